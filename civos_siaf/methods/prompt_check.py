"""Refusing prompts that a session cannot take."""

from __future__ import annotations

from collections.abc import Sequence

from civos_siaf.prompts import MaskPrompt, Prompt, PromptKindError, Prompts, check_position
from civos_siaf.video.frames import Frames


def check_prompts(
    prompts: Prompts, kinds: Sequence[type[Prompt]], frames: Frames, *, num_objects: int
) -> None:
    """Masks are taken by every method, other kinds only if they are named.

    Raises:
        ValueError: a frame, object or position that does not exist, or a mask of another size.
        PromptKindError: another kind of prompt.
    """
    accepted = (*kinds, MaskPrompt)
    for item in prompts:
        if not isinstance(item, accepted):
            names = ", ".join(kind.__name__ for kind in accepted)
            raise PromptKindError(f"{_named(item)}: this method takes {names}")
        if item.frame >= len(frames) or item.object_id > num_objects:
            raise ValueError(
                f"{_named(item)}: there are frames 0..{len(frames) - 1} and objects 1..{num_objects}"
            )
        check_position(item, height=frames.height, width=frames.width)
        if isinstance(item, MaskPrompt) and item.mask.shape != frames.size:
            raise ValueError(f"a mask of size {item.mask.shape}, the frames have {frames.size} (H, W)")


def _named(item: Prompt) -> str:
    return f"{type(item).__name__} on frame {item.frame} for object {item.object_id}"
