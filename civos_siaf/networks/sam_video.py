"""A tracker of the SAM 2 family (SAM 2.1, EdgeTAM, SAM 3) as transformers has it, one frame at a time.

What depends on a frame alone, and what the tracker remembers of an object, are held by the caller: a session
of transformers keeps every frame and every output, and is made here for a single call or sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.networks.propagation_network import FrameFeatures

Output: TypeAlias = dict[str, Tensor]
"""What the tracker leaves of one object on one frame: its mask logits `pred_masks` (1, 1, h, w), the logit
`object_score_logits` that it is there, and what later frames read."""

LOGIT_LIMIT = 32.0
"""Mask logits that go into the network as a prompt are kept within this, as in its training."""

_DROPPED = "high_res_masks"
"""Megabytes of every output that nothing reads after the call."""


@dataclass(eq=False)
class ObjectMemory:
    """What the tracker reads of one object.

    Attributes:
        prompted: outputs of frames with prompts.
        tracked: outputs of frames that were tracked in the present sweep.
    """

    prompted: dict[int, Output] = field(default_factory=dict)
    tracked: dict[int, Output] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SamPrompt:
    """The prompts of one object on one frame.

    Attributes:
        points: (N, 2), rows (x, y) in pixels of the video.
        positive: (N,), whether each belongs to the object.
        box: (x0, y0, x1, y1), or None.
        mask: (H, W), in the place of all the others; or None.
    """

    points: NDArray[np.float32]
    positive: NDArray[np.bool_]
    box: tuple[float, float, float, float] | None = None
    mask: NDArray[np.bool_] | None = None


class SamVideo:
    """A tracker with its processor.

    Args:
        model: `Sam2VideoModel`, `EdgeTamVideoModel` or `Sam3TrackerVideoModel`, in eval mode.
        processor: the video processor of its family.
        session_type: the inference session of its family.
        name: for messages and saved sessions.
        max_references: most prompted frames whose memory is read on a frame, the nearest; None: as the
            model is configured, which for SAM 2.1 and EdgeTAM is all.
        compile: compile the image encoder on first use.

    Raises:
        ValueError: `max_references` below 2.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        session_type: type[Any],
        *,
        name: str,
        max_references: int | None = None,
        compile: bool = False,
    ) -> None:
        if max_references is not None and max_references < 2:
            raise ValueError(f"max_references must be 2 or more, one on each side, got {max_references}")
        self.model: Any = model
        self.processor = processor
        self.name = name
        self._session_type = session_type
        self._position: Tensor | None = None
        self._memory_position: Tensor | None = None
        if max_references is not None:
            self.model.config.max_cond_frame_num = max_references
        if compile:
            self.model.vision_encoder = torch.compile(self.model.vision_encoder)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def reach(self) -> int:
        """How many frames behind the present one a tracked frame is read at most."""
        config = self.model.config
        return max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder)) - 1

    @property
    def mask_size(self) -> tuple[int, int]:
        """(h, w) of its mask logits."""
        height, width = self.model.prompt_encoder.mask_input_size
        return int(height), int(width)

    @torch.inference_mode()
    def encode(self, rgb: NDArray[np.uint8]) -> FrameFeatures:
        """Features of a frame (H, W, 3), which serve every object and round."""
        pixels = torch.tensor(rgb).permute(2, 0, 1)[None]
        prepared = self.processor.video_processor(videos=pixels, device=self.device, return_tensors="pt")
        image = prepared.pixel_values_videos[0].to(self.device)
        found = self.model.get_image_features(image, return_dict=True)
        *fine, coarse = found.fpn_hidden_states
        if self._position is None:  # of places alone: the same for every frame
            self._position = found.fpn_position_encoding[-1].clone()
        return FrameFeatures(coarse, tuple(fine))

    @torch.inference_mode()
    def answer(
        self,
        frame: int,
        features: FrameFeatures,
        prompt: SamPrompt,
        *,
        video: tuple[int, int, int],
        previous: Tensor | None = None,
        memory: ObjectMemory | None = None,
    ) -> Output:
        """The mask of one object from its prompts.

        Args:
            frame: its number.
            features: of the frame.
            prompt: of the object.
            video: (T, H, W).
            previous: mask logits (1, 1, h, w), of any size, that points and box correct.
            memory: what is known of the object from other frames; None: the frame stands alone.
        """
        session = self._session(video, lambda _: features, [memory or ObjectMemory()])
        own = session.output_dict_per_obj[0]
        own["cond_frame_outputs"] = {t: out for t, out in own["cond_frame_outputs"].items() if t != frame}
        own["non_cond_frame_outputs"] = {}
        if own["cond_frame_outputs"]:
            session.frames_tracked_per_obj[0][frame] = {"reverse": False}
        self.processor.add_inputs_to_inference_session(session, frame, [1], **_inputs(prompt))
        with self._starting_from(None if prompt.mask is not None else previous):
            self.model(session, frame_idx=frame)
        found = own["cond_frame_outputs"].get(frame) or own["non_cond_frame_outputs"][frame]
        return self.kept(found)

    def sweep(
        self,
        memories: Sequence[ObjectMemory],
        features: Callable[[int], FrameFeatures],
        *,
        video: tuple[int, int, int],
        reverse: bool,
    ) -> SamSweep:
        """Begin to track objects from frame to frame.

        Args:
            memories: of the objects, each with a prompted frame at least; tracked frames are added.
            features: of a frame.
            video: (T, H, W).
            reverse: the sweep goes backwards.
        """
        return SamSweep(self, self._session(video, features, memories), memories, reverse=reverse)

    def _session(
        self,
        video: tuple[int, int, int],
        features: Callable[[int], FrameFeatures],
        memories: Sequence[ObjectMemory],
    ) -> Any:
        """A session of transformers that reads and writes these memories."""
        num_frames, height, width = video
        session = self._session_type(
            video_height=height,
            video_width=width,
            inference_device=self.device,
            inference_state_device=self.device,
            video_storage_device=self.device,
            dtype=torch.float32,
        )
        session.processed_frames = _Length(num_frames)
        session.cache = _Features(features, lambda: self._position)
        for number, memory in enumerate(memories, 1):
            place = session.obj_id_to_idx(number)
            session.output_dict_per_obj[place] = {
                "cond_frame_outputs": memory.prompted,
                "non_cond_frame_outputs": memory.tracked,
            }
        return session

    def kept(self, output: Output) -> Output:
        """An output without what nothing reads; equal encodings of places are held once."""
        position = output["maskmem_pos_enc"]
        if self._memory_position is None or not _same(self._memory_position, position):
            self._memory_position = position.clone()
        kept = {name: value for name, value in output.items() if name != _DROPPED}
        return {**kept, "maskmem_pos_enc": self._memory_position}

    @contextmanager
    def _starting_from(self, previous: Tensor | None) -> Iterator[None]:
        """Within it, prompts correct these mask logits."""
        if previous is None:
            yield
            return
        logits = previous.to(self.device, torch.float32)
        if tuple(logits.shape[-2:]) != self.mask_size:
            logits = F.interpolate(logits, self.mask_size, mode="bilinear", antialias=True)
        logits = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)

        def give(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
            return args, {**options, "input_masks": logits}

        handle = self.model.prompt_encoder.register_forward_pre_hook(give, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()


class SamSweep:
    """Objects on their way through a video; see `SamVideo.sweep`."""

    def __init__(
        self, network: SamVideo, session: Any, memories: Sequence[ObjectMemory], *, reverse: bool
    ) -> None:
        self._network = network
        self._session = session
        self._memories = memories
        self._reverse = reverse

    @torch.inference_mode()
    def step(self, frame: int) -> Tensor:
        """Mask logits (K, h, w) of the next frame."""
        found = self._network.model(self._session, frame_idx=frame, reverse=self._reverse)
        for memory in self._memories:
            if frame in memory.tracked:
                memory.tracked[frame] = self._network.kept(memory.tracked[frame])
        logits: Tensor = found.pred_masks[:, 0]
        return logits


class _Length:
    """Stands for the frames of a session, of which it only asks how many there are."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


class _Features:
    """Gives a session of transformers features that are kept elsewhere."""

    def __init__(self, features: Callable[[int], FrameFeatures], position: Callable[[], Tensor | None]):
        self._features = features
        self._position = position

    def get_vision_features(self, frame_idx: int) -> dict[str, Any]:
        features = self._features(frame_idx)
        return {
            "vision_feats": [*features.parts, features.key],
            "vision_pos_embeds": [self._position()],  # that of the coarsest level is the one that is read
        }


def _inputs(prompt: SamPrompt) -> dict[str, Any]:
    """A prompt as the processor takes it."""
    if prompt.mask is not None:
        return {"input_masks": prompt.mask}
    inputs: dict[str, Any] = {}
    if len(prompt.points):
        inputs["input_points"] = [[prompt.points.tolist()]]
        inputs["input_labels"] = [[prompt.positive.astype(int).tolist()]]
    if prompt.box is not None:
        inputs["input_boxes"] = [[list(prompt.box)]]
    return inputs


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)
