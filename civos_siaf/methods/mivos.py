"""MiVOS: scribbles or clicks on a frame, space-time memory, difference-aware fusion.

Source: docs/specification/mivos.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from civos_siaf.interaction.frame_interaction import FrameInteraction
from civos_siaf.methods.session import RoundRules, RoundSession, Taken
from civos_siaf.networks.propagation_network import PropagationNetwork
from civos_siaf.propagation.difference_fusion import FusionNetwork
from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.video.frames import Frames

DAVIS_SCHEDULE = (2, 5, 7)
"""Of eight rounds the third, the sixth and the last are propagated; the others correct one frame."""


class MiVOS:
    """The modular system of MiVOS.

    Args:
        interaction: `ScribbleInteraction` with S2M, or `BrsClickInteraction`.
        network: propagates.
        fusion: fuses old and new masks between annotated frames; None: the new ones replace the old.
        settings: of the propagation.
        propagate_after: see `RoundRules`; published for DAVIS: `DAVIS_SCHEDULE`.
        taken: of the frames in one call of `interact` the first (published), the last, or all.
        max_undo: how many rounds can be undone.
    """

    def __init__(
        self,
        interaction: FrameInteraction,
        network: PropagationNetwork,
        fusion: FusionNetwork | None,
        *,
        settings: PropagationSettings | None = None,
        propagate_after: Sequence[int] | None = DAVIS_SCHEDULE,
        taken: Taken = "first",
        max_undo: int = 3,
    ) -> None:
        self.interaction = interaction
        self.network = network
        self.fusion = fusion
        self.settings = settings or PropagationSettings()
        self.rules = RoundRules(
            propagate_after=None if propagate_after is None else tuple(propagate_after),
            taken=taken,
            max_undo=max_undo,
        )

    def open(self, frames: Frames, *, num_objects: int) -> RoundSession:
        """Start on a video with objects 1..num_objects."""
        propagator = Propagator(
            self.network, self.fusion, frames, num_objects=num_objects, settings=self.settings
        )
        return RoundSession(frames, self.interaction, propagator, self.rules)
