"""The layouts that COCO files have in practice, brought into one: images, annotations and categories.

Besides COCO's own there are YouTube-VIS, whose annotations hold the segmentations of all frames of a video,
and lists of results, of images or of videos, without the other sections.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from civos_siaf.masks.coco import read_entries
from civos_siaf.video.frames import Frames

Entry: TypeAlias = dict[str, Any]
Sections: TypeAlias = dict[str, list[Entry]]
_NAMES = ("images", "annotations", "categories", "videos")


def read_sections(path: Path, frames: Frames) -> Sections:
    """Images, annotations and categories of a file of any of the layouts.

    Raises:
        FileNotFoundError: no such file.
        ValueError, TypeError, KeyError: another layout, or several videos of which not one fits.
    """
    sections: Sections = {name: [] for name in _NAMES}
    for name, entry in read_entries(path, top="annotations"):
        if name in sections:
            if not isinstance(entry, dict):
                raise TypeError(f"{name} must be a list of objects")
            sections[name].append(entry)
    if any("segmentations" in entry for entry in sections["annotations"]):
        return _of_videos(sections, frames)
    if not sections["images"] and sections["annotations"]:
        named = dict.fromkeys(entry["image_id"] for entry in sections["annotations"])
        sections["images"] = [{"id": number, "file_name": str(number)} for number in named]
    return sections


def _of_videos(sections: Sections, frames: Frames) -> Sections:
    """YouTube-VIS: every annotation is an object, with a segmentation or none for every frame."""
    video = _video(sections, frames)
    notes = [entry for entry in sections["annotations"] if entry["video_id"] == video["id"]]
    length = max((len(entry["segmentations"]) for entry in notes), default=0)
    names = video.get("file_names")
    if names is not None and len(names) < length:
        raise ValueError(f"segmentations of {length} frames, but {len(names)} file_names")
    images: list[Entry] = []
    for t in range(length):
        place: Entry = {"file_name": str(names[t])} if names else {"frame_index": t}
        images.append({"id": t, **place, **_size(video)})
    expanded = [single for track, entry in enumerate(notes, 1) for single in _frames_of(entry, track)]
    return {**sections, "images": images, "annotations": expanded}


def _frames_of(entry: Entry, track: int) -> Iterator[Entry]:
    """The annotations of single frames that one of a video stands for."""
    shared = {name: entry[name] for name in ("category_id",) if name in entry}
    number = entry.get("id", track)
    for t, shape in enumerate(entry["segmentations"]):
        if shape:
            yield {**shared, "image_id": t, "track_id": number, "segmentation": shape}


def _video(sections: Sections, frames: Frames) -> Entry:
    """The entry of the video that is open: the only one, or the only one of its size and length."""
    numbers = list(dict.fromkeys(entry["video_id"] for entry in sections["annotations"]))
    listed = {video["id"]: video for video in sections["videos"]}
    videos = [listed.get(number, {"id": number}) for number in numbers]
    if len(videos) > 1:
        videos = [
            video
            for video in videos
            if (video.get("height"), video.get("width")) == frames.size
            and len(video.get("file_names") or range(video.get("length") or 0)) == len(frames)
        ]
    if len(videos) != 1:
        raise ValueError(
            f"it is of {len(numbers)} videos, and {len(videos) or 'none'} of them have {len(frames)} frames "
            f"of {frames.width}x{frames.height} pixels; write the annotations of this video alone"
        )
    return videos[0]


def _size(video: Entry) -> Entry:
    return {name: video[name] for name in ("height", "width") if name in video}
