"""Everything recorded from IVOS-W but the training: assessment network, agent, choice of the next frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.benchmark.selection import FrameChooser
from civos_siaf.networks.frame_agent import FrameAgent
from civos_siaf.networks.mask_assessment import MaskAssessment, crop, crop_boxes, crop_grid
from civos_siaf.next_frame import EvenFrames, FinishedRound, WorstFrame
from civos_siaf.next_frame.agent import AgentFrame, AssessedQuality
from civos_siaf.next_frame.choosers import even_positions
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.load import load_strictly
from tests.parity.activation_recorder import thin
from tests.parity.check import Check, Folder
from tests.parity.mivos_networks import apply_overrides, relative

VALUES = 1e-5
STEPS = {"stem": (8, 4), "r2": (16, 4), "r3": (32, 2), "r4": (32, 1), "r5": (64, 1)}
"""Over channels and rows in the recorded arrays."""


@torch.inference_mode()
def check(folder: Folder) -> Iterator[Check]:
    """All checks."""
    agent, assessment = frame_agent(folder), mask_assessment(folder)
    yield from _check_agent(folder, agent)
    yield from _check_assessment(folder, assessment)
    yield from _check_selection(folder, agent, assessment)


def frame_agent(folder: Folder) -> FrameAgent:
    """The agent of the recording, loaded strictly."""
    values = _values(folder, "agent")
    agent = FrameAgent()
    load_strictly(agent, values, source="agent_shapes.json")
    return agent.requires_grad_(False).eval()


def mask_assessment(folder: Folder) -> MaskAssessment:
    """The assessment network of the recording, loaded strictly."""
    values = _values(folder, "assessment")
    network = MaskAssessment()
    values |= {f"Encoder.{name}": getattr(network.Encoder, name).clone() for name in ("mean", "std")}
    load_strictly(network, values, source="assessment_shapes.json")
    return network.requires_grad_(False).eval()


def _values(folder: Folder, name: str) -> dict[str, Tensor]:
    values = deterministic_weights.deterministic_state(folder.json(f"{name}_shapes.json"))
    return apply_overrides(values, folder.json("overrides.json")[name])


def inputs(folder: Folder) -> tuple[Tensor, Tensor]:
    """Images (T, 3, H, W) and probabilities (T, H, W) of the recording."""
    setting, recorded = folder.json("inputs.json"), folder.arrays("assessment.npz")
    count, (height, width) = setting["frames"], setting["size"]
    images = deterministic_weights.deterministic_image(setting["image_seed"], (count, 3, height, width))
    prob = deterministic_weights.deterministic_image(setting["prob_seed"], (count, height, width))
    masks = np.unpackbits(recorded["mask_bits"], axis=-1)[..., :width]
    prob = prob * torch.from_numpy(masks).float()
    prob[-1] *= 0.4
    return images, prob


def _check_agent(folder: Folder, agent: FrameAgent) -> Iterator[Check]:
    shapes = {name: list(value.shape) for name, value in agent.state_dict().items()}
    reference = folder.json("agent_shapes.json")
    yield Check.equal("agent names, in order", list(shapes), list(reference))
    yield Check.equal("agent shapes", shapes, reference)
    recorded = folder.arrays("agent.npz")
    for length in folder.json("inputs.json")["lengths"]:
        values = agent(torch.from_numpy(recorded[f"state_{length}"]).float())
        yield Check.compare(f"agent/q_{length}", values, recorded[f"q_{length}"], tolerance=VALUES)
        if length > 1:
            best = values.argmax(dim=1)
            yield Check.compare(f"agent/action_{length}", best, recorded[f"action_{length}"])


def _check_assessment(folder: Folder, network: MaskAssessment) -> Iterator[Check]:
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    reference = folder.json("assessment_shapes.json")
    yield Check.equal("assessment names, in order", list(shapes), list(reference))
    yield Check.equal("assessment shapes", shapes, reference)
    recorded = folder.arrays("assessment.npz")
    images, prob = inputs(folder)
    yield Check.compare("assessment/prob", prob[:, ::4, ::4], recorded["prob"], tolerance=1e-6)
    boxes = crop_boxes(prob)
    grid = crop_grid(boxes, (prob.shape[1], prob.shape[2]))
    yield Check.compare("assessment/box", boxes, recorded["box"])
    yield Check.compare("assessment/theta", grid, recorded["theta"], tolerance=1e-6)
    features = network.Encoder(crop(images[:1], grid[:1]), crop(prob[:1, None], grid[:1]))
    for name, value in features._asdict().items():
        yield relative(f"assessment/{name}", thin(value, *STEPS[name])[0], recorded[name])
    pooled = features.r5.mean(dim=(2, 3))
    yield relative("assessment/pooled", pooled, recorded["pooled"][:1])
    yield relative("assessment/quality", network(images, prob)[:, None], recorded["quality"])
    yield relative("assessment/quality_single", network(images[:1], prob[:1]), recorded["quality_single"])


def _check_selection(folder: Folder, agent: FrameAgent, assessment: MaskAssessment) -> Iterator[Check]:
    recorded = folder.json("selection.json")
    for number, case in enumerate(recorded["equal"]):
        found = even_positions(case["frames"], first=case["first"], count=case["length"])
        yield Check.equal(f"selection/equal/{number}", found, case["result"])
    for number, case in enumerate(recorded["linspace_walk"]):
        yield Check.equal(f"selection/linspace_walk/{number}", _walk(case), case["recommended"])
    for number, case in enumerate(recorded["worst"]):
        yield Check.equal(f"selection/worst/{number}", _worst(case), case["result"])
    yield from _check_recommendations(folder, recorded["recommend"], agent, assessment)


def _walk(case: dict[str, Any]) -> list[int]:
    prompted: tuple[tuple[int, ...], ...] = ((case["first"],),)
    for _ in case["recommended"]:
        finished = _finished(case["frames"], prompted)
        prompted = (*prompted, (int(EvenFrames().priorities(finished).argmax()),))
    return [frames[0] for frames in prompted[1:]]


def _worst(case: dict[str, Any]) -> int:
    values, prompted = np.array(case["values"]), tuple((frame,) for frame in case["prev"])
    finished = FinishedRound(
        num_frames=len(values),
        prompted=prompted,
        num_objects=1,
        quality=lambda: values,
    )
    chooser = FrameChooser(len(values), used=case["prev"])
    return chooser.choose(-WorstFrame().priorities(finished))[0]


def _finished(num_frames: int, prompted: tuple[tuple[int, ...], ...]) -> FinishedRound:
    return FinishedRound(num_frames=num_frames, prompted=prompted, num_objects=1)


def _check_recommendations(
    folder: Folder, recorded: dict[str, Any], agent: FrameAgent, assessment: MaskAssessment
) -> Iterator[Check]:
    images, prob = inputs(folder)
    finished = assessed(images, prob)
    quality = AssessedQuality(assessment, batch=3)
    wild, worst, oracle = (recorded[name] for name in ("wild_ours", "wild_worst", "oracle_ours"))
    yield relative("recommend/predicted", torch.from_numpy(quality(finished)), np.array(wild["predicted"]))
    chosen = _best(AgentFrame(agent, quality), replace(finished, prompted=_each(wild["annotated"])))
    yield Check.equal("recommend/wild_ours", chosen, wild["next"])
    priorities = WorstFrame(quality).priorities(replace(finished, prompted=_each(worst["prev"])))
    found = FrameChooser(len(prob), used=worst["prev"]).choose(-priorities)[0]
    yield Check.equal("recommend/wild_worst", found, worst["next"])
    true = np.array(oracle["quality"])
    played = replace(_finished(len(true), _each(oracle["annotated"])), quality=lambda: true)
    yield Check.equal("recommend/oracle_ours", _best(AgentFrame(agent), played), oracle["next"])


def assessed(images: Tensor, prob: Tensor) -> FinishedRound:
    """A round of two objects, whose probabilities are `prob` and the same backwards in time."""
    both = torch.stack([torch.zeros_like(prob), prob, prob.flip(0)], dim=1)
    return FinishedRound(
        num_frames=len(prob),
        prompted=((0,),),
        num_objects=2,
        frames=lambda: _Images(images),  # type: ignore[arg-type, return-value]
        probabilities=lambda frame: both[frame],
    )


class _Images:
    """Frames whose values are not whole numbers, as those of the recording."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __getitem__(self, frame: int) -> NDArray[np.float32]:
        return np.asarray(self.images[frame].permute(1, 2, 0).numpy() * 255)


def _best(chooser: AgentFrame, finished: FinishedRound) -> int:
    return int(chooser.priorities(finished).argmax())


def _each(frames: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    return tuple((frame,) for frame in frames)
