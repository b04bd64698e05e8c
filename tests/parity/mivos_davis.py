"""MiVOS' processor for the DAVIS interactive benchmark: six calls, of which two propagate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from civos_siaf.benchmark.scribbles import annotated_frames, to_prompts
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods.mivos import MiVOS
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.video.frames import Frames
from tests.parity.check import Check, Folder
from tests.parity.mivos_networks import labels_agree

MEM_FREQ = 2


def check(folder: Folder, network: Stm, fusion: MaskFusion, s2m: S2m) -> Iterator[Check]:
    """Labels, annotated frame and wanted frame of each call."""
    recorded, calls = folder.arrays("davis_processor.npz"), folder.json("davis_processor_calls.json")
    frames = Frames.open(folder.arrays("e2e_two_objects.npz")["frames"])
    num_objects = int(max(np.max(labels) for labels in recorded.values()))
    method = MiVOS(
        ScribbleInteraction(s2m), network, fusion, settings=PropagationSettings(mem_every=MEM_FREQ)
    )
    session = method.open(frames, num_objects=num_objects)
    for number, call in enumerate(calls, start=1):
        prompts = to_prompts(call["scribbles"], height=frames.height, width=frames.width)
        shown = session.interact(prompts)
        labels = session.propagate()
        wanted = None if session.wanted_frames is None else list(session.wanted_frames)
        yield Check.equal(f"davis call {number} frame", annotated_frames(call["scribbles"]), [call["frame"]])
        yield Check.equal(f"davis call {number} wanted frames", wanted, call["next_frames"])
        yield labels_agree(f"davis call {number} labels", labels, recorded[f"labels_call{number}"])
        at_once = np.array_equal(shown[call["frame"]], labels[call["frame"]])
        yield Check.equal(f"davis call {number} labels shown at once", at_once, True)
