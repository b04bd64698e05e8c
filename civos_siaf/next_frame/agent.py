"""IVOS-W's choice: an agent that sees the quality of each frame and how often it was annotated.

Source: docs/specification/ivos_w.md sections 2, 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.networks.frame_agent import FrameAgent
from civos_siaf.networks.mask_assessment import MaskAssessment
from civos_siaf.next_frame.choosers import true_quality
from civos_siaf.next_frame.finished_round import FinishedRound, Need, Scores


class AssessedQuality:
    """The quality that the assessment network expects of each frame, mean over objects: the "wild" setting.

    Args:
        network: in eval mode.
        batch: frames at once.
    """

    def __init__(self, network: MaskAssessment, *, batch: int = 8) -> None:
        self.network = network
        self.batch = batch

    @torch.inference_mode()
    def __call__(self, finished: FinishedRound) -> Scores:
        """Expected J&F, (T,).

        Probabilities are those of the session; where it has none, 1 on the mask and 0 elsewhere.

        Raises:
            ValueError: the video is not at hand.
        """
        if finished.frames is None:
            raise ValueError("the assessment network needs the images of the video")
        frames = finished.frames()
        device = self.network.fc1.weight.device
        found = np.zeros((finished.num_frames, finished.num_objects))
        for start in range(0, finished.num_frames, self.batch):
            part = range(start, min(start + self.batch, finished.num_frames))
            images = torch.stack([torch.from_numpy(np.array(frames[t])) for t in part]).to(device)
            prob = torch.stack([_probabilities(finished, t) for t in part]).to(device)
            for k in range(finished.num_objects):
                rgb = images.permute(0, 3, 1, 2).float() / 255
                found[part, k] = self.network(rgb, prob[:, k + 1]).double().cpu().numpy()
        return np.asarray(found.mean(axis=1))


class AgentFrame:
    """The frame that the agent values most; one annotated before may come again.

    Args:
        agent: in eval mode.
        quality: gives the quality of each frame; None: the true one, which is the "oracle" setting.
    """

    repeats = True
    first_counts = True

    def __init__(self, agent: FrameAgent, quality: Callable[[FinishedRound], Scores] | None = None) -> None:
        self.agent = agent
        self.quality = quality

    @property
    def needs(self) -> tuple[Need, ...]:
        """Truth, or what the assessment network judges by."""
        return ("truth",) if self.quality is None else ("images",)

    @torch.inference_mode()
    def priorities(self, finished: FinishedRound) -> Scores:
        """The values of the agent."""
        quality = (self.quality or true_quality)(finished)
        state = np.stack([quality, finished.times_prompted], axis=1)[None]
        device = self.agent.decoder_fc2.weight.device
        values: Tensor = self.agent(torch.from_numpy(state).to(device, torch.float32))[0]
        return np.asarray(values.double().cpu().numpy())


def _probabilities(finished: FinishedRound, frame: int) -> Tensor:
    """(K+1, H, W) of a frame."""
    if finished.probabilities is not None:
        given: Any = finished.probabilities(frame)
        return torch.as_tensor(given).detach().float().cpu()
    if finished.labels is None:
        raise ValueError("masks can be judged only where they are at hand")
    labels = torch.from_numpy(np.array(finished.labels[frame], dtype=np.int64))
    return F.one_hot(labels, finished.num_objects + 1).permute(2, 0, 1).float()
