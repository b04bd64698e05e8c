"""Clicks or scribbles by networks with published weights, and AOT's propagation in SIAF's rounds."""

from __future__ import annotations

from civos_siaf.interaction.clicked_labels import ClickedLabels
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.interaction.scribbled_labels import ScribbledLabels
from civos_siaf.methods.siaf import SiafSession
from civos_siaf.methods.siaf_interaction import InteractionRules, SiafInteraction
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.propagation.aot_propagator import AotPropagator
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.video.frames import Frames


class AotRounds:
    """SIAF without its interaction network: prompted frames are segmented one by one, by other networks.

    All else is SIAF's: any number of frames in a round, annotated frames remembered through all rounds,
    sweeps that end in the middle between them, and re-propagation.

    Args:
        propagation: spreads masks, in eval mode.
        clicks: predicts clicked objects one by one, and keeps those without clicks. None: no clicks are
            taken.
        scribbles: predicts scribbled frames. None: no scribbles are taken.
        settings: of the propagation.
        max_undo: how many rounds can be undone.

    Raises:
        ValueError: neither clicks nor scribbles.
    """

    def __init__(
        self,
        propagation: IdentityNetwork,
        *,
        clicks: MultiObjectClickPredictor | None = None,
        scribbles: ScribbleInteraction | None = None,
        settings: AotSettings | None = None,
        max_undo: int = 3,
    ) -> None:
        if clicks is None and scribbles is None:
            raise ValueError("a network for clicks or one for scribbles is needed, got neither")
        self.propagation = propagation
        self.clicks = None if clicks is None else ClickedLabels(clicks)
        self.scribbles = None if scribbles is None else ScribbledLabels(scribbles)
        self.settings = settings or AotSettings()
        self.max_undo = max_undo

    def open(self, frames: Frames, *, num_objects: int) -> SiafSession:
        """Start on a video with objects 1..num_objects."""
        if self.clicks is not None:
            self.clicks.clicks.forget()
        propagator = AotPropagator(self.propagation, frames, num_objects=num_objects, settings=self.settings)
        answers = SiafInteraction(frames, self.scribbles, self.clicks, InteractionRules())
        return SiafSession(frames, answers, propagator, max_undo=self.max_undo)
