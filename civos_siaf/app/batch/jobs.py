"""Prompts for many videos in one JSON file.

    {"videos": {
        "clip.mp4": {
            "objects": [{"name": "dog", "colour": "#e6194b"}, {"name": "ball"}],
            "rounds": [
                {"0": [{"type": "click", "object": 1, "x": 120, "y": 80, "positive": true},
                       {"type": "box", "object": 2, "x0": 30, "y0": 40, "x1": 60, "y1": 70}],
                 "25": [{"type": "scribble", "object": 1, "points": [[100, 90], [130, 95]]}]},
                {"40": [{"type": "click", "object": 1, "x": 90, "y": 70, "positive": false}]}]},
        "folder_of_images": {"rounds": [...]}}}

A video is named by its path below the folder of videos. `objects` are numbered from 1; without the list there
are as many as the prompts name. A round holds prompts by frame, in the form of the annotation tool's actions
without `frame`; after each round the video is propagated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from civos_siaf.app.document.actions import PROMPTS, Action, AddObject, Propagate, from_json, to_json
from civos_siaf.app.document.video_info import fingerprint
from civos_siaf.runtime.text_files import read_text
from civos_siaf.video.image_files import is_image_name

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True)
class BatchJob:
    """One video and what is to be done on it.

    Attributes:
        name: path of the video below the folder of videos.
        video: where it is.
        actions: objects, prompts and propagations, in order; none where there are no prompts.
        problem: why it cannot be done; then there are no actions.
    """

    name: str
    video: Path
    actions: tuple[Action, ...] = ()
    problem: str | None = None

    @property
    def rounds(self) -> int:
        """How often the video is propagated."""
        return sum(isinstance(action, Propagate) for action in self.actions)

    def digest(self, method: str) -> str:
        """A short text that changes with the actions, with the video, and with what is said of the method.

        Raises:
            OSError: the video cannot be read.
        """
        text = json.dumps([method, fingerprint(self.video), *map(to_json, self.actions)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_jobs(videos: Path | str, prompts: Path | str) -> list[BatchJob]:
    """The jobs of a prompt file; an entry that is wrong becomes a job with a problem.

    Video files below `videos` that the file does not name are jobs without actions.

    Args:
        videos: folder of videos, or of folders of images.
        prompts: the JSON file.

    Raises:
        FileNotFoundError: no such folder or file.
        ValueError: not JSON, or not of the form that this module describes.
    """
    folder, file = Path(videos), Path(prompts)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of videos at {folder}")
    if not file.is_file():
        raise FileNotFoundError(f"no prompts at {file}")
    try:
        data = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON ({error})") from error
    entries = data.get("videos") if isinstance(data, Mapping) else None
    if not isinstance(entries, Mapping) or set(data) != {"videos"}:
        raise ValueError(f'{file}: must be {{"videos": {{NAME: {{"objects": ..., "rounds": ...}}}}}}')
    jobs = [_job(folder, name, entry) for name, entry in entries.items()]
    found = sorted(path for path in folder.rglob("*") if is_image_name(path.name, VIDEO_SUFFIXES))
    names = (path.relative_to(folder).as_posix() for path in found if path.is_file())
    return jobs + [BatchJob(name, folder / name) for name in names if name not in entries]


def _job(folder: Path, name: str, entry: object) -> BatchJob:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return BatchJob(name, folder, problem="the name is not a path below the folder of videos")
    video = folder / path
    try:
        if not video.exists():
            raise ValueError(f"no video at {video}")
        return BatchJob(name, video, actions=tuple(_actions(entry)))
    except (ValueError, OSError) as error:
        return BatchJob(name, video, problem=str(error))


def _actions(entry: object) -> list[Action]:
    """The actions of one video."""
    if not isinstance(entry, Mapping) or not set(entry) <= {"objects", "rounds"}:
        raise ValueError("a video has objects and rounds, and nothing else")
    objects, rounds = entry.get("objects"), entry.get("rounds")
    if not isinstance(rounds, list) or not rounds:
        raise ValueError("rounds must be a list with one round or more")
    actions: list[Action] = []
    for number, prompts in enumerate(rounds, 1):
        if not isinstance(prompts, Mapping) or not prompts:
            raise ValueError(f"round {number} must be prompts by frame, with one frame or more")
        for frame, items in prompts.items():
            actions += _prompts(f"round {number}, frame {frame}", frame, items)
        actions.append(Propagate())
    named = max((action.object_id for action in actions if isinstance(action, PROMPTS)), default=0)
    added = _objects([{}] * max(named, 1) if objects is None else objects)
    if named > len(added):
        raise ValueError(f"a prompt is for object {named}, there are {len(added)} objects")
    return [*added, *actions]


def _objects(objects: object) -> list[Action]:
    if not isinstance(objects, list) or not objects:
        raise ValueError("objects must be a list with one object or more")
    added = []
    for entry in objects:
        if not isinstance(entry, Mapping) or not set(entry) <= {"name", "colour"}:
            raise ValueError(f"an object has a name and a colour, or one of them; got {str(entry)[:60]}")
        added.append(from_json({"type": AddObject.type, **entry}))
    return added


def _prompts(where: str, frame: str, items: object) -> list[Action]:
    if not (frame.isascii() and frame.isdigit() and len(frame) < 10):
        raise ValueError(f"{where}: frames are named by their number")
    if not isinstance(items, list) or not items:
        raise ValueError(f"{where}: must be a list with one prompt or more")
    drawn = []
    for item in items:
        if not isinstance(item, Mapping) or item.get("type") not in {kind.type for kind in PROMPTS}:
            kinds = ", ".join(kind.type for kind in PROMPTS)
            raise ValueError(f"{where}: a prompt has a type ({kinds}); got {str(item)[:60]}")
        try:
            drawn.append(from_json({**item, "frame": int(frame)}))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    return drawn
