"""Whether an action fits a project as it is."""

from __future__ import annotations

from civos_siaf.app.document.actions import (
    MAX_OBJECTS,
    PROMPTS,
    Action,
    ActionError,
    AddBox,
    AddClick,
    AddMask,
    AddObject,
    AddPrompt,
    AddScribble,
    ChangeObject,
    Clear,
    Commit,
    DeleteObject,
    Propagate,
    Review,
)
from civos_siaf.app.document.content import Content
from civos_siaf.app.document.video_info import VideoInfo
from civos_siaf.prompts import EDGE


def check(action: Action, content: Content, video: VideoInfo) -> None:
    """Refuse an action that does not fit.

    Raises:
        ActionError: says what is wrong and what there is.
    """
    if isinstance(action, (*PROMPTS, Clear, Review)) and action.frame >= video.num_frames:
        raise ActionError(
            f"there is no frame {action.frame}: the video has frames 0 to {video.num_frames - 1}"
        )
    if isinstance(action, PROMPTS):
        if not (isinstance(action, AddScribble) and action.object_id == 0):
            _check_object(action.object_id, content)
        _check_place(action, video)
    elif isinstance(action, ChangeObject | DeleteObject):
        _check_object(action.object_id, content)
    elif isinstance(action, AddObject) and len(content.objects) >= MAX_OBJECTS:
        raise ActionError(
            f"a project has at most {MAX_OBJECTS} objects; numbers of deleted ones are not used again"
        )
    elif isinstance(action, Clear) and action.frame not in content.pending_frames:
        raise ActionError(f"frame {action.frame} has no prompts that are not committed")
    elif isinstance(action, Commit) and not content.pending:
        raise ActionError("there is nothing to commit: click or draw on a frame first")
    elif isinstance(action, Propagate) and not (content.pending or content.groups):
        raise ActionError("there is nothing new to propagate: click or draw on a frame first")


def _check_object(number: int, content: Content) -> None:
    living = [info.id for info in content.living]
    if number not in living:
        known = ", ".join(map(str, living)) or "none yet"
        raise ActionError(f"there is no object {number}; objects: {known}")


def _check_place(action: AddPrompt, video: VideoInfo) -> None:
    if isinstance(action, AddMask):
        if action.size != (video.height, video.width):
            raise ActionError(
                f"the mask is {action.size[1]}x{action.size[0]}, the video {video.width}x{video.height}"
            )
        return
    for x, y in corners(action):
        if not (-EDGE <= x <= video.width - EDGE and -EDGE <= y <= video.height - EDGE):
            raise ActionError(f"({x:g}, {y:g}) is outside the frame of {video.width}x{video.height} pixels")


def corners(action: AddClick | AddScribble | AddBox) -> tuple[tuple[float, float], ...]:
    """All coordinates (x, y) of a prompt."""
    if isinstance(action, AddClick):
        return ((action.x, action.y),)
    if isinstance(action, AddScribble):
        return action.points
    return ((action.x0, action.y0), (action.x1, action.y1))
