"""CiVOS: clicks on a frame through RITM, propagation and fusion of MiVOS.

Source: docs/specification/clicks.md section 2.
"""

from __future__ import annotations

from typing import Literal

from civos_siaf.interaction.click_interaction import ClickInteraction
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.methods.session import RoundRules, RoundSession, Taken
from civos_siaf.networks.aggregate import Background
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.propagation.difference_fusion import FusionNetwork
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.video.frames import Frames


class CiVOS:
    """Click video object segmentation; every round is propagated.

    Args:
        clicks: predicts the objects of a frame from clicks.
        network: propagates.
        fusion: fuses old and new masks between annotated frames; None: the new ones replace the old.
        settings: of the propagation.
        previous: the mask that a frame's clicks correct; see `ClickInteraction`.
        background: see `ClickInteraction`.
        resolve_overlaps: see `ClickInteraction`.
        threshold: see `ClickInteraction`.
        taken: of the frames in one call of `interact` the first, the last (published), or all.
        remember_clicks: clicks of earlier rounds on the same frame count again; published: forgotten.
        max_undo: how many rounds can be undone.
        retry_below: see `RoundRules`.
    """

    def __init__(
        self,
        clicks: MultiObjectClickPredictor,
        network: PropagationNetwork,
        fusion: FusionNetwork | None,
        *,
        settings: PropagationSettings | None = None,
        previous: Literal["soft", "hard", "none"] = "soft",
        background: Background = "min",
        resolve_overlaps: bool = True,
        threshold: float = 0.5,
        taken: Taken = "last",
        remember_clicks: bool = False,
        max_undo: int = 3,
        retry_below: float = 0.0,
    ) -> None:
        self.interaction = ClickInteraction(
            clicks,
            previous=previous,
            background=background,
            resolve_overlaps=resolve_overlaps,
            threshold=threshold,
        )
        self.network = network
        self.fusion = fusion
        self.settings = settings or PropagationSettings()
        self.rules = RoundRules(
            taken=taken, remember_prompts=remember_clicks, max_undo=max_undo, retry_below=retry_below
        )

    def open(self, frames: Frames, *, num_objects: int) -> RoundSession:
        """Start on a video with objects 1..num_objects."""
        self.interaction.clicks.forget()
        propagator = Propagator(
            self.network, self.fusion, frames, num_objects=num_objects, settings=self.settings
        )
        return RoundSession(frames, self.interaction, propagator, self.rules)
