"""Clicks of one round on several objects of one frame, as CiVOS predicts them.

Source: docs/specification/clicks.md section 2.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.better_answer import SETTLED, SURE, better_answer, differ, is_lost, sureness
from civos_siaf.interaction.brs import FeatureBrs, refinement
from civos_siaf.interaction.click_guarantee import hold_clicks, patched
from civos_siaf.interaction.predictor import as_probability, as_rgb, autocast, check_clicks
from civos_siaf.interaction.refinement import NoRefinement, points_tensor
from civos_siaf.interaction.transforms import Clicks, HorizontalFlip, Roi
from civos_siaf.interaction.zoom import ZoomIn, ZoomState
from civos_siaf.networks.click_network import ClickNetwork, Features
from civos_siaf.networks.motion_refiner import LIMIT, MotionRefiner
from civos_siaf.prompts import Click
from civos_siaf.runtime.precision import Precision
from civos_siaf.video.frames import Rgb

MIN_GAIN = 1.25
"""A second look is not worth its time where it shows the object less enlarged than this."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """What a call was asked and what it answered, by index of the object.

    Attributes:
        pixels: image (H, W, 3); None: there was no call.
        motion: of the image.
        questions: clicks and previous probability (H, W).
        found: probability (H, W).
    """

    pixels: Rgb | None = None
    motion: NDArray[np.float32] | None = None
    questions: dict[int, tuple[Clicks, NDArray[np.float32]]] = field(default_factory=dict)
    found: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def answers(
        self,
        pixels: Rgb,
        motion: NDArray[np.float32] | None,
        questions: Mapping[int, tuple[Clicks, NDArray[np.float32]]],
    ) -> dict[int, NDArray[np.float32]]:
        """Probabilities (H, W) of those that were asked the same of the same image."""
        if self.pixels is None or not np.array_equal(pixels, self.pixels):
            return {}
        if motion is None or self.motion is None:
            same = motion is self.motion
        else:
            same = np.array_equal(motion, self.motion)
        if not same:
            return {}
        return {
            k: self.found[k]
            for k, (clicks, previous) in questions.items()
            if k in self.questions
            and clicks == self.questions[k][0]
            and np.array_equal(previous, self.questions[k][1])
        }


class MultiObjectClickPredictor:
    """Every object is predicted once, from this round's clicks together and its previous mask.

    No answer depends on an earlier one, so zoom-in, which needs that, never acts. The objects go through the
    network in batches; each gets the answer that a predictor of its own would give, up to the rounding of the
    convolutions. The last call is remembered: objects whose image, clicks and previous mask are those of that
    call get that answer at once, so that a click on one of ten objects costs as much as on a single one.

    Args:
        network: in eval mode.
        mode: "NoBRS", or "f-BRS-A", "-B", "-C" for objects with two or more clicks.
        prob_thresh: probability on whose right side f-BRS wants the clicked pixels.
        flip: average with the answer for the mirror image.
        precision: see `ClickPredictor`.
        max_batch: most images, mirrored ones included, in one forward pass.
        untouched: objects without a click are predicted too (published), or "keep" their previous mask.
        second_look: predict every clicked object once more, in its surroundings only; for networks that are
            fast and work at a reduced size. None (published): no.
        repeats: so many times more the network looks, with its answer as previous mask, at the whole image
            and then in the second look, at images that it sees reduced, until the answer is sure or has
            settled (published: 0).
        hold: the answer agrees with every click, see `hold_clicks`; published: as the network likes.
        refiner: corrects the first answer by the motion of the video, at images that the network sees
            reduced; the further looks begin from that.
        doubt: every clicked object is also predicted without its previous mask, and the better answer is
            taken, see `better_answer`; published: no.

    Raises:
        ValueError: another mode.
    """

    def __init__(
        self,
        network: ClickNetwork,
        *,
        mode: str = "f-BRS-B",
        prob_thresh: float = 0.5,
        flip: bool = True,
        precision: Precision = "fp32",
        max_batch: int = 8,
        untouched: Literal["predict", "keep"] = "predict",
        second_look: ZoomIn | None = None,
        repeats: int = 0,
        hold: bool = False,
        doubt: bool = False,
        refiner: MotionRefiner | None = None,
    ) -> None:
        self.network = network
        chosen = refinement(mode, prob_thresh=prob_thresh)
        if not isinstance(chosen, FeatureBrs | NoRefinement):
            raise ValueError(f"{mode} cannot share a forward pass between objects; use ClickPredictor")
        self.refinement = chosen
        self.flip = HorizontalFlip() if flip else None
        self.precision = precision
        self.max_objects = max(1, max_batch // (2 if flip else 1))
        self.untouched = untouched
        self.second_look = second_look
        self.repeats = repeats
        self.hold = hold
        self.doubt = doubt
        self.refiner = refiner
        self._last = LastCall()

    @property
    def uses_motion(self) -> bool:
        """Whether it looks at how a frame's pixels move."""
        return self.refiner is not None

    def forget(self) -> None:
        """Let go of the last call: the next one is answered by the network alone, as on a new video."""
        self._last = LastCall()

    @torch.no_grad()
    def predict(
        self,
        image: Rgb,
        clicks: Sequence[Click],
        *,
        num_objects: int,
        previous: NDArray[np.floating] | None = None,
        motion: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities (K, H, W) of objects 1..K, each on its own; see `civos_siaf.networks.aggregate`.

        Args:
            image: (H, W, 3) uint8, grey or RGBA as in `ClickPredictor`.
            clicks: of this frame, for objects 1..K; their order matters within an object and sign, and with
                `hold` where they contradict each other.
            num_objects: K.
            previous: probabilities (K, H, W); None is zero.
            motion: (8, h, w) of the image, see `motion_maps`, for the `refiner`; None: none is known.

        Raises:
            ValueError: a click outside the image or for an object above K, or arrays of another shape.
        """
        pixels = as_rgb(image)
        size = (pixels.shape[0], pixels.shape[1])
        lists = self._by_object(clicks, num_objects, size)
        zeros = np.zeros((num_objects, *size), np.float32)
        prob = as_probability(zeros if previous is None else previous, zeros.shape)
        chosen = [k for k, row in enumerate(lists) if row or self.untouched == "predict"]
        questions = {k: (lists[k], prob[k].copy()) for k in chosen}
        answers = self._last.answers(pixels, motion, questions)
        rgb = torch.from_numpy(pixels).to(self.network.mean.device).permute(2, 0, 1)[None].float() / 255
        moving = None if motion is None else torch.from_numpy(motion).to(rgb.device)[None]
        asked = [k for k in chosen if k not in answers]
        answers |= self._all_looks(rgb, prob, lists, asked, moving)
        self._last = LastCall(pixels.copy(), motion, questions, answers)
        for k, answer in answers.items():
            prob[k] = answer
        return hold_clicks(prob, clicks, pixels) if self.hold else prob

    def _all_looks(
        self,
        rgb: Tensor,
        prob: NDArray[np.float32],
        lists: list[Clicks],
        chosen: Sequence[int],
        motion: Tensor | None,
    ) -> dict[int, NDArray[np.float32]]:
        """Answers (H, W) of the chosen objects from previous probabilities (K, H, W), or the doubted ones."""
        answers = self._first_look(rgb, prob, lists, chosen)
        fresh: dict[int, NDArray[np.float32]] = {}
        if self.doubt:
            doubted = [k for k in chosen if prob[k].any() and any(click.positive for click in lists[k])]
            found = self._first_look(rgb, np.zeros_like(prob), lists, doubted)
            fresh = {k: other for k, other in found.items() if differ(answers[k], other)}
        for k, answer in answers.items():
            answers[k] = self._settled(rgb, answer, lists[k], motion)
            if k in fresh:
                answers[k] = better_answer(
                    answers[k], self._settled(rgb, fresh[k], lists[k], motion), lists[k]
                )
            if self.doubt and self.hold and is_lost(answers[k], prob[k]):
                answers[k] = patched(prob[k], lists[k])
        return answers

    def _first_look(
        self, rgb: Tensor, prob: NDArray[np.float32], lists: list[Clicks], chosen: Sequence[int]
    ) -> dict[int, NDArray[np.float32]]:
        """Probabilities (H, W) of the chosen objects in the whole image, from previous ones (K, H, W)."""
        answers: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(chosen), self.max_objects):
            batch = list(chosen[start : start + self.max_objects])
            masks = torch.from_numpy(prob[batch])[:, None].to(rgb.device)
            found = self._predict(rgb, masks, [lists[k] for k in batch]).cpu().numpy()
            answers |= dict(zip(batch, found, strict=True))
        return answers

    @staticmethod
    def _by_object(clicks: Sequence[Click], num_objects: int, size: tuple[int, int]) -> list[Clicks]:
        check_clicks(clicks, size)
        for click in clicks:
            if click.object_id > num_objects:
                raise ValueError(f"{click!r}: there are objects 1..{num_objects}")
        ordered = sorted(clicks, key=lambda click: not click.positive)
        return [tuple(c for c in ordered if c.object_id == k + 1) for k in range(num_objects)]

    def _settled(
        self, rgb: Tensor, prob: NDArray[np.float32], clicks: Clicks, motion: Tensor | None
    ) -> NDArray[np.float32]:
        """An object's first answer (H, W), corrected by motion, after all further looks."""
        if not clicks:
            return prob

        def whole(now: NDArray[np.float32]) -> NDArray[np.float32]:
            masks = torch.from_numpy(now)[None, None].to(rgb.device)
            return np.asarray(self._predict(rgb, masks, [clicks]).cpu().numpy()[0], np.float32)

        def closer(now: NDArray[np.float32]) -> NDArray[np.float32]:
            return self._look_again(rgb, now, clicks)

        prob = self._refined(rgb, prob, clicks, motion)
        # Measured: where the network sees the image at its full size, repeated looks do harm.
        repeats = self.repeats if self.network.internal_scale(rgb.shape[2], rgb.shape[3]) < 1 else 0
        for look, times in ((whole, repeats), (closer, 1 + repeats)):
            for number in range(times):
                if (number or look is whole) and sureness(prob) >= SURE:
                    break
                before, prob = prob, look(prob)
                if not differ(before, prob, alike=SETTLED):
                    break
        return prob

    def _refined(
        self, rgb: Tensor, prob: NDArray[np.float32], clicks: Clicks, motion: Tensor | None
    ) -> NDArray[np.float32]:
        """An object's answer (H, W) corrected by what moves as the object does."""
        # Measured on small synthetic videos: there, as with repeated looks, it does harm.
        reduced = self.network.internal_scale(rgb.shape[2], rgb.shape[3]) < 1
        if self.refiner is None or motion is None or not reduced:
            return prob
        logits = torch.from_numpy(prob)[None, None].to(rgb.device).logit(eps=1e-4).clamp(-LIMIT, LIMIT)
        points = points_tensor([clicks]).to(rgb.device)
        with autocast(rgb.device, self.precision):
            change = self.refiner(rgb, logits, points, motion)
        return np.asarray((logits + change.float()).sigmoid()[0, 0].cpu().numpy(), np.float32)

    def _look_again(self, rgb: Tensor, prob: NDArray[np.float32], clicks: Clicks) -> NDArray[np.float32]:
        """Probability (H, W) of an object after the second look, from its answer (H, W) before it."""
        zoom = self.second_look
        if zoom is None:
            return prob
        first = torch.from_numpy(prob)[None, None].to(rgb.device)
        zoom.restore(ZoomState(previous=first))
        view, moved = zoom.forward(torch.cat([rgb, first], dim=1), [clicks])
        if zoom.roi is None or not self._is_closer(zoom.roi, (rgb.shape[2], rgb.shape[3]), view):
            zoom.reset()
            return prob
        answer = self._predict(view[:, :3], view[:, 3:], moved)
        closer = zoom.inverse(answer[None])
        zoom.reset()
        return np.asarray(closer[0, 0].cpu().numpy(), np.float32)

    def _is_closer(self, roi: Roi, size: tuple[int, int], view: Tensor) -> bool:
        """Whether the network sees a region clearly larger in `view` than it did in the whole image."""
        if min(roi.size) < 2:
            return False
        inside = self.network.internal_scale(view.shape[2], view.shape[3])
        scale = max(view.shape[2:]) / max(roi.size) * inside
        return scale >= MIN_GAIN * self.network.internal_scale(*size)

    def _predict(self, rgb: Tensor, masks: Tensor, lists: list[Clicks]) -> Tensor:
        """Image (1, 3, H, W), masks (k, 1, H, W), clicks of k objects to probabilities (k, H, W)."""
        view = rgb.expand(len(masks), -1, -1, -1)
        if self.network.with_prev_mask:
            view = torch.cat([view, masks], dim=1)
        if self.flip is not None:
            view, lists = self.flip.forward(view, lists)
        with autocast(view.device, self.precision):
            logits = self._logits(view, lists, len(masks)).float()
        if self.flip is not None:
            logits = self.flip.inverse(logits)
        return logits.sigmoid()[:, 0]

    def _logits(self, view: Tensor, lists: list[Clicks], num_objects: int) -> Tensor:
        brs = self.refinement
        points = points_tensor(lists, limit=brs.net_clicks_limit).to(view.device)
        if isinstance(brs, NoRefinement):
            logits: Tensor = self.network(view, points).instances
            return logits
        features = self.network.encode(*self.network.prepare(view, points), brs.stage)
        size = (view.shape[2], view.shape[3])
        out = view.new_empty(len(view), 1, *size)
        for k in range(num_objects):
            own = list(range(k, len(view), num_objects))
            brs.reset()
            part = Features(features.main[own], tuple(other[own] for other in features.others))
            out[own] = brs.refine(self.network, part, [lists[i] for i in own], size)
        brs.reset()
        return out
