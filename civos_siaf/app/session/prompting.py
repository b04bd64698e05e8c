"""What was drawn, as the prompts that a method takes."""

from __future__ import annotations

from collections.abc import Iterable

from civos_siaf.app.document.actions import AddBox, AddClick, AddMask, AddPrompt, AddScribble
from civos_siaf.app.document.video_info import VideoInfo
from civos_siaf.masks import from_rle
from civos_siaf.prompts import Box, Click, MaskPrompt, Prompt, Prompts, Scribble

_OUTSIDE = 0.08  # of the box's side: so far outside are the negative clicks
_LEAST_OUTSIDE = 3.0  # pixels


def to_prompts(actions: Iterable[AddPrompt], video: VideoInfo, *, boxes: bool) -> Prompts:
    """Prompts of the actions, inside the frame.

    Args:
        actions: in the order of drawing.
        video: its size.
        boxes: boxes stay boxes; otherwise they become clicks.
    """
    items: list[Prompt] = []
    for action in actions:
        prompt = _prompt(action, video)
        items += box_clicks(prompt, video) if isinstance(prompt, Box) and not boxes else [prompt]
    return Prompts(tuple(items))


def box_clicks(box: Box, video: VideoInfo) -> list[Prompt]:
    """Clicks that say nearly the same as a box: its centre, and not beyond the middle of its sides."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    beside = max(_LEAST_OUTSIDE, _OUTSIDE * (box.x1 - box.x0))
    above = max(_LEAST_OUTSIDE, _OUTSIDE * (box.y1 - box.y0))
    around = ((box.x0 - beside, y), (box.x1 + beside, y), (x, box.y0 - above), (x, box.y1 + above))
    clicks: list[Prompt] = [Click(box.frame, box.object_id, x, y)]
    for across, down in around:
        if 0 <= across <= video.width - 1 and 0 <= down <= video.height - 1:
            clicks.append(Click(box.frame, box.object_id, across, down, positive=False))
    return clicks


def _prompt(action: AddPrompt, video: VideoInfo) -> Prompt:
    def inside(x: float, y: float) -> tuple[float, float]:
        return min(max(x, 0.0), video.width - 1.0), min(max(y, 0.0), video.height - 1.0)

    frame, number = action.frame, action.object_id
    if isinstance(action, AddClick):
        return Click(frame, number, *inside(action.x, action.y), positive=action.positive)
    if isinstance(action, AddScribble):
        return Scribble(frame, number, [inside(x, y) for x, y in action.points])
    if isinstance(action, AddBox):
        return Box(frame, number, *inside(action.x0, action.y0), *inside(action.x1, action.y1))
    assert isinstance(action, AddMask)
    return MaskPrompt(frame, number, from_rle(action.rle))
