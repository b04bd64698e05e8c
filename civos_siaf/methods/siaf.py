"""SIAF: strokes on several frames at once, many objects in one pass (docs/specification/siaf.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from civos_siaf.interaction.across_frame_interaction import AcrossFrameInteraction, AcrossFrameNetwork
from civos_siaf.interaction.clicked_labels import ClickedLabels
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.methods.history import History
from civos_siaf.methods.prompt_check import check_prompts
from civos_siaf.methods.prompt_precedence import split_into_stages
from civos_siaf.methods.siaf_interaction import InteractionRules, SiafInteraction
from civos_siaf.methods.siaf_state import Clicked, SessionState, load_state, save_state
from civos_siaf.networks.identity_network import IdentityNetwork
from civos_siaf.prompts import Prompt, Prompts
from civos_siaf.propagation.aot_propagator import AotPropagator
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.protocol import Arrived, Labels, LabelVideo, Progress, no_frame_callback, no_progress
from civos_siaf.runtime.precision import Precision
from civos_siaf.video.frames import Frames


class SIAF:
    """Across-frame interaction, and propagation by AOT from the frames of all rounds.

    Prompts are strokes, clicks (dots) and masks, on any number of frames in a round; frames prompted in one
    call of `interact` are segmented together. Calling it again corrects what is shown.

    Args:
        interaction: segments prompted frames, such as `networks.afi.Afi`, in eval mode.
        propagation: spreads their masks, in eval mode.
        clicks: predicts frames that have clicks alone, object by object; other objects come to them by
            propagation. None: clicks are dots for `interaction`.
        rules: what counts beside the prompts of a call.
        settings: of the propagation.
        interaction_short: shorter side of prompted frames as their network sees them at most; None: as they
            are.
        interaction_precision: "fp32", or autocast to "bf16" or "fp16".
        max_undo: how many rounds can be undone.
    """

    def __init__(
        self,
        interaction: AcrossFrameNetwork,
        propagation: IdentityNetwork,
        *,
        clicks: MultiObjectClickPredictor | None = None,
        rules: InteractionRules | None = None,
        settings: AotSettings | None = None,
        interaction_short: int | None = None,
        interaction_precision: Precision = "fp32",
        max_undo: int = 3,
    ) -> None:
        self.interaction = AcrossFrameInteraction(
            interaction, max_short=interaction_short, precision=interaction_precision
        )
        self.propagation = propagation
        self.clicks = None if clicks is None else ClickedLabels(clicks)
        self.rules = rules or InteractionRules()
        self.settings = settings or AotSettings()
        self.max_undo = max_undo

    def open(self, frames: Frames, *, num_objects: int) -> SiafSession:
        """Start on a video with objects 1..num_objects."""
        if self.clicks is not None:
            self.clicks.clicks.forget()
        propagator = AotPropagator(self.propagation, frames, num_objects=num_objects, settings=self.settings)
        answers = SiafInteraction(frames, self.interaction, self.clicks, self.rules)
        return SiafSession(frames, answers, propagator, max_undo=self.max_undo)


class SiafSession:
    """A video segmented by SIAF; see `civos_siaf.protocol.Session`.

    Args:
        frames: the video.
        answers: makes labels of prompted frames.
        propagator: spreads them.
        max_undo: how many rounds can be undone.
    """

    streams = True
    wanted_frames: tuple[int, ...] | None = None
    """Prompts may come on any frames."""

    def __init__(
        self, frames: Frames, answers: SiafInteraction, propagator: AotPropagator, *, max_undo: int = 3
    ) -> None:
        self.frames = frames
        self.answers = answers
        self.propagator = propagator
        self.max_undo = max_undo
        self._now = SessionState(propagator.snapshot())
        self._history: History[SessionState] = History(max_undo)

    @property
    def num_objects(self) -> int:
        """K."""
        return self.propagator.num_objects

    @property
    def accepts(self) -> tuple[type[Prompt], ...]:
        """The kinds of prompts that it takes."""
        return self.answers.accepts

    def add_objects(self, count: int = 1) -> None:
        """Further objects, K+1 and so on; a step of its own for `undo`.

        Once they are prompted, they also come to the frames annotated before, where these are background.
        """
        self._history.before_step(self._now)
        self.propagator.add_objects(count)
        self._now = replace(self._now, propagator=self.propagator.snapshot())

    def interact(self, prompts: Prompts) -> dict[int, Labels]:
        """Labels of the prompted frames, found together, from what is shown on them and these prompts.

        A mask takes the place of its object, and of the clicks and strokes on it before; those that come
        after correct it.

        Raises:
            ValueError: a frame or object that does not exist, or a kind of prompt that is not understood.
        """
        check_prompts(prompts, self.accepts, self.frames, num_objects=self.num_objects)
        if not prompts:
            return {}
        after = self._now
        for part in split_into_stages(prompts):
            after = self.answers.answer(part, after)
        self._history.before_interaction(self._now)
        self._now = after
        return {frame: after.shown[frame].copy() for frame in prompts.frames}

    def propagate(
        self, progress: Progress = no_progress, *, arrived: Arrived = no_frame_callback
    ) -> LabelVideo:
        """Labels (T, H, W) of every frame; without prompts in this round nothing changes.

        Args:
            progress: called after every visited frame.
            arrived: sees the labels of frames as they are found.
        """
        now = self._now
        if not now.shown:
            return self.propagator.labels.video()
        try:
            for frame, labels in sorted(now.shown.items()):
                self.propagator.annotate(frame, labels, objects=now.known[frame])
            video = self.propagator.propagate(progress, arrived=arrived)
        except BaseException:
            self.propagator.restore(now.propagator)
            raise
        # A later round's clicks follow these, but begin from its own labels.
        clicked = {frame: Clicked(None, own.clicks) for frame, own in now.clicked.items()}
        self._now = SessionState(
            self.propagator.snapshot(), named=now.named, clicked=clicked, drawn=now.drawn
        )
        self._history.end_round()
        return video

    def undo(self) -> None:
        """Back to before the last `interact`, or before the last round if that was propagated.

        Raises:
            IndexError: nothing is left to undo.
        """
        self._now = self._history.back()
        self.propagator.restore(self._now.propagator)

    def save(self, folder: Path | str) -> None:
        """Write what the rounds before have left; to be called between rounds.

        Of a round under way the prompts that later ones would see again are written, its labels are not.
        """
        save_state(Path(folder), self._now, self.frames.size)

    def load(self, folder: Path | str) -> None:
        """Go on from what another session of this video and these networks has saved.

        Raises:
            FileNotFoundError: nothing was saved there.
            ValueError: it is of another video or format, or damaged.
        """
        self._now = load_state(Path(folder), self.propagator)
        self._history = History(self.max_undo)
