"""IVOS-W's networks, which recommend the frame to annotate next, with weights from a file or without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from civos_siaf.networks.frame_agent import FrameAgent
from civos_siaf.networks.mask_assessment import MaskAssessment
from civos_siaf.weights.ready import ready, require_known

AGENT, ASSESSMENT = "ivosw-agent", "ivosw-assessment"
ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {AGENT: FrameAgent, ASSESSMENT: MaskAssessment}
"""Constructors by the name of the architecture."""


def load_network(architecture: str, weights: Path | str | None = None, *, device: str = "cpu") -> nn.Module:
    """A network, frozen and in eval mode.

    The first norm of the assessment network follows the sum of two convolutions, so that it cannot be folded
    into one, and neither network is prepared for inference.

    Args:
        architecture: one of `ARCHITECTURES`.
        weights: a file as published, or safetensors. None: the network is untrained, and a warning says so.
        device: where it runs.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such architecture or device, not a readable weight file, or one for another network.
    """
    require_known(architecture, ARCHITECTURES)
    return ready(ARCHITECTURES[architecture](), weights, architecture=architecture, device=device, fast=False)


def load_frame_agent(weights: Path | str | None = None, *, device: str = "cpu") -> FrameAgent:
    """The agent; see `load_network`."""
    return ready(FrameAgent(), weights, architecture=AGENT, device=device, fast=False)


def load_mask_assessment(weights: Path | str | None = None, *, device: str = "cpu") -> MaskAssessment:
    """The assessment network; see `load_network`."""
    return ready(MaskAssessment(), weights, architecture=ASSESSMENT, device=device, fast=False)
