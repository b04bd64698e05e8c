"""Checking folders of annotated videos: DAVIS, YouTube-VOS, BL30K."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from civos_siaf.data.check_summary import Checked, Finder
from civos_siaf.data.videos import read_list, read_meta
from civos_siaf.masks import VOID
from civos_siaf.runtime.text_files import read_text
from civos_siaf.video.image_files import IMAGE_SUFFIXES, MASK_SUFFIXES, by_stem


def check_davis(
    root: Path | str,
    *,
    year: int = 2017,
    resolution: str = "480p",
    split: str | None = None,
    limit: int | None = None,
) -> Iterator[Checked]:
    """Check a DAVIS root; yields one result per sequence.

    Args:
        root: folder with JPEGImages, Annotations, ImageSets.
        year: 2017: values are object numbers; 2016: one object, of one value.
        resolution: folder below JPEGImages and Annotations.
        split: only the sequences of this list; None: of all lists of the year.
        limit: so many sequences at most.

    Raises:
        FileNotFoundError: no such root or list.
        ValueError: an empty list.
    """
    root = Path(root)
    lists = root / "ImageSets" / str(year)
    paths = [lists / f"{split}.txt"] if split else sorted(lists.glob("*.txt"))
    if not paths:
        raise FileNotFoundError(f"no lists of sequences at {lists}/*.txt")
    names = sorted({name for path in paths for name in read_list(path)})[:limit]
    for name in names:
        yield check_video(
            name,
            root / "JPEGImages" / resolution / name,
            root / "Annotations" / resolution / name,
            total=len(names),
            one_object=year == 2016,
        )


def check_bl30k(root: Path | str, *, limit: int | None = None) -> Iterator[Checked]:
    """Check a BL30K root; yields one result per video.

    Raises:
        FileNotFoundError: no Annotations below the root.
    """
    root = Path(root)
    names = _folders(root / "Annotations", root / "JPEGImages")[:limit]
    for name in names:
        folders = root / "JPEGImages" / name, root / "Annotations" / name
        yield check_video(name, *folders, total=len(names))


def check_youtubevos(
    root: Path | str, *, split: str = "train", limit: int | None = None
) -> Iterator[Checked]:
    """Check a YouTube-VOS root against its meta.json; yields one result per video.

    Raises:
        FileNotFoundError: no meta.json or Annotations.
        ValueError: meta.json has another layout.
    """
    folder = Path(root) / split
    meta = read_meta(folder / "meta.json")
    objects = {
        name: {int(key) for key in video["objects"]}
        for name, video in json.loads(read_text(folder / "meta.json"))["videos"].items()
    }
    names = sorted({*meta, *_folders(folder / "Annotations", folder / "JPEGImages")})[:limit]
    for name in names:
        yield check_video(
            name,
            folder / "JPEGImages" / name,
            folder / "Annotations" / name,
            total=len(names),
            every_image=False,
            frames=meta.get(name, set()),
            known=objects.get(name, set()),
        )


def check_video(
    name: str,
    images: Path,
    masks: Path,
    *,
    total: int,
    one_object: bool = False,
    every_image: bool = True,
    frames: Collection[str] | None = None,
    known: Collection[int] | None = None,
) -> Checked:
    """Read all files of a video.

    Args:
        name: of the video.
        images: its folder of images.
        masks: its folder of label maps.
        total: videos in all.
        one_object: masks have one value besides 0.
        every_image: every image needs a mask.
        frames: frames that must have a mask; None: not known.
        known: object numbers that may occur; None: any.
    """
    finder = Finder()
    for folder in (images, masks):
        if not folder.is_dir():
            finder.say(folder, "no such folder")
    image_paths = _files(images, IMAGE_SUFFIXES, finder)
    mask_paths = _files(masks, MASK_SUFFIXES, finder)
    finder.pairs(image_paths, mask_paths, every_image=every_image)
    stems = {path.stem for path in mask_paths}
    for stem in sorted(set(frames or ()) - stems)[:3]:
        finder.say(masks / f"{stem}.png", "named in meta.json, but missing")
    if frames is not None and not frames:
        finder.say(masks, "video is not in meta.json")
    sizes = _read_images(image_paths, finder)
    values, empty = _read_masks(mask_paths, sizes, finder)
    ids = values - {0, VOID} if not one_object else values - {0}
    if one_object and len(ids) > 1:
        finder.say(masks, f"expected one object, found the values {sorted(ids)} (year=2017?)")
    if not one_object and VOID in values and not ids:
        finder.say(masks, "only 0 and 255: masks of one object (year=2016?)")
    if known and ids - set(known):
        finder.say(masks, f"objects {sorted(ids - set(known))} are not in meta.json")
    if mask_paths and not ids:
        finder.say(masks, "no object in any frame")
    return Checked(
        name=name,
        total=total,
        images=len(image_paths),
        masks=len(mask_paths),
        objects=len(ids),
        empty=empty,
        sizes=tuple(sizes.values()),
        problems=tuple(finder.problems),
    )


def _read_images(paths: list[Path], finder: Finder) -> dict[str, tuple[int, int]]:
    """Sizes (H, W) of the images by name."""
    sizes: dict[str, tuple[int, int]] = {}
    for path in paths:
        image = finder.image(path)
        if image is not None:
            if sizes:
                finder.same_size(path, image, next(iter(sizes.values())), "the first image")
            sizes[path.stem] = (image.shape[0], image.shape[1])
    return sizes


def _read_masks(paths: list[Path], sizes: dict[str, tuple[int, int]], finder: Finder) -> tuple[set[int], int]:
    """All values, and how many masks show no object."""
    values: set[int] = set()
    empty = 0
    for path in paths:
        labels = finder.labels(path)
        if labels is None:
            continue
        if path.stem in sizes:
            finder.same_size(path, labels, sizes[path.stem], "its image")
        found = set(np.flatnonzero(np.bincount(labels.ravel())).tolist())
        values |= found
        empty += found <= {0}
    return values, empty


def _files(folder: Path, suffixes: Collection[str], finder: Finder) -> list[Path]:
    """Files in the order of frames; one frame in two files is a problem."""
    if not folder.is_dir():
        return []
    try:
        return list(by_stem(folder, suffixes).values())
    except ValueError as error:
        finder.say(folder, str(error).removeprefix(f"{folder}: "))
        return []


def _folders(*parents: Path) -> list[str]:
    """Names of the folders in any of the parents."""
    if not parents[0].is_dir():
        raise FileNotFoundError(f"no folder of videos at {parents[0]}")
    found = {p.name for parent in parents if parent.is_dir() for p in parent.iterdir() if p.is_dir()}
    return sorted(name for name in found if not name.startswith("."))
