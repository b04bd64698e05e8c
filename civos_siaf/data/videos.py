"""Folders of annotated videos in the layouts of DAVIS, YouTube-VOS and BL30K."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.fast_images import read_fast
from civos_siaf.data.frame_choice import FrameChoice, choose_frames
from civos_siaf.data.samples import Clip
from civos_siaf.masks import read_png
from civos_siaf.runtime.text_files import read_names, read_text
from civos_siaf.video.image_files import IMAGE_SUFFIXES, MASK_SUFFIXES, by_stem, file_beside, in_order


class FolderVideos:
    """Videos as folders of images, with folders of label maps beside them; only annotated frames are used.

    Args:
        images: folder with a folder of images per video.
        annotations: folder with a folder of indexed PNG per video, of the images' names.
        names: the videos; None: all folders below `annotations`.
        spacing: frames of the video from one annotated frame to the next; the gap is divided by it.
        one_object: every value but 0 is the one object 1, as masks of 0 and 255 need it.
        choice: how the frames of a clip are chosen.
        reverse: probability of a clip that runs backwards.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: there is no video.
    """

    def __init__(
        self,
        images: Path | str,
        annotations: Path | str,
        names: Sequence[str] | None = None,
        *,
        spacing: int = 1,
        one_object: bool = False,
        choice: FrameChoice = "near",
        reverse: float = 0.5,
    ) -> None:
        self._images, self._annotations = Path(images), Path(annotations)
        for folder in (self._images, self._annotations):
            if not folder.is_dir():
                raise FileNotFoundError(f"no folder of videos at {folder}")
        if names is None:
            folders = (path.name for path in self._annotations.iterdir() if path.is_dir())
            names = in_order(name for name in folders if not name.startswith("."))
        for name in names:
            for folder in (self._images, self._annotations):
                if not (folder / name).is_dir():
                    raise FileNotFoundError(f"video {name!r}: no folder {folder / name}")
        if not names:
            raise ValueError(f"{self._annotations}: no video")
        self.names = list(names)
        self._spacing = spacing
        self._one_object = one_object
        self._choice = choice
        self._reverse = reverse

    def __len__(self) -> int:
        return len(self.names)

    def clip(self, index: int, rng: np.random.Generator, *, frames: int, gap: int) -> Clip:
        """Draw a clip of video `index`; see `ClipSource`."""
        stems = self.annotated(index)
        reach = max(gap // self._spacing, 1)
        chosen = choose_frames(self._choice, len(stems), rng, frames=frames, gap=reach)
        if rng.random() < self._reverse:
            chosen.reverse()
        pairs = [self.read(index, stems[t]) for t in chosen]
        name = self.names[index]
        if len({image.shape for image, _ in pairs}) > 1:
            raise ValueError(f"{self._images / name}: frames {[stems[t] for t in chosen]} differ in size")
        return Clip(name, np.stack([image for image, _ in pairs]), np.stack([labels for _, labels in pairs]))

    def annotated(self, index: int) -> list[str]:
        """Names of the annotated frames of a video, in order, without suffix.

        Raises:
            ValueError: there is none.
        """
        folder = self._annotations / self.names[index]
        stems = list(by_stem(folder, MASK_SUFFIXES))
        if not stems:
            raise ValueError(f"{folder}: no annotated frame (*.png)")
        return stems

    def read(self, index: int, stem: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Image (H, W, 3) and labels (H, W) of an annotated frame.

        Raises:
            FileNotFoundError: the image is missing.
            ValueError: a damaged file, or sizes that differ.
        """
        folder = self._annotations / self.names[index]
        mask_path = file_beside(folder, stem, MASK_SUFFIXES) or folder / f"{stem}.png"
        image_path = image_beside(self._images / self.names[index], stem)
        image, labels = read_fast(image_path), read_png(mask_path)
        if image.shape[:2] != labels.shape:
            raise ValueError(f"{mask_path}: size {labels.shape}, the image has {image.shape[:2]} (H, W)")
        return image, (labels > 0).astype(np.uint8) if self._one_object else labels


def image_beside(folder: Path, stem: str) -> Path:
    """The image of this name, whatever its suffix; the usual .jpg is looked for first.

    Raises:
        FileNotFoundError: there is none.
    """
    suffixes = (".jpg", *sorted(IMAGE_SUFFIXES - {".jpg"}))
    if (found := file_beside(folder, stem, suffixes)) is None:
        raise FileNotFoundError(f"no image {folder / stem}.jpg for the mask of this name")
    return found


class DavisVideos(FolderVideos):
    """DAVIS: JPEGImages/<resolution>/<sequence>, Annotations/<resolution>/<sequence>.

    Args:
        root: folder with JPEGImages, Annotations and ImageSets.
        split: a list in ImageSets/<year>/.
        year: 2017: a pixel's value is the object's number; 2016: every value but 0 is the one object.
        resolution: folder below JPEGImages and Annotations.
        sequences: names, instead of a split.
        choice: how the frames of a clip are chosen.
        reverse: probability of a clip that runs backwards.

    Raises:
        FileNotFoundError: the list or a folder is missing.
        ValueError: an unknown year, or an empty list.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        split: str = "train",
        year: int = 2017,
        resolution: str = "480p",
        sequences: Sequence[str] | None = None,
        choice: FrameChoice = "near",
        reverse: float = 0.5,
    ) -> None:
        if year not in (2016, 2017):
            raise ValueError(f"year must be 2016 or 2017, got {year}")
        root = Path(root)
        super().__init__(
            root / "JPEGImages" / resolution,
            root / "Annotations" / resolution,
            read_list(root / "ImageSets" / str(year) / f"{split}.txt") if sequences is None else sequences,
            one_object=year == 2016,
            choice=choice,
            reverse=reverse,
        )


class YouTubeVosVideos(FolderVideos):
    """YouTube-VOS: train/JPEGImages/<video>, train/Annotations/<video>, train/meta.json.

    Every fifth frame is annotated and only those are used, so the gap is divided (MiVOS section 8).

    Args:
        root: folder with the split's folder.
        split: folder with JPEGImages, Annotations and meta.json.
        min_frames: leave out videos with fewer annotated frames by meta.json (AOT: 2).
        spacing: by what; AOT's gaps, 12 in DAVIS and 3 here, need 4.
        choice: how the frames of a clip are chosen.
        reverse: probability of a clip that runs backwards.

    Raises:
        FileNotFoundError: meta.json or a folder is missing.
        ValueError: meta.json is not readable, or no video is left.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        split: str = "train",
        min_frames: int = 2,
        spacing: int = 5,
        choice: FrameChoice = "near",
        reverse: float = 0.5,
    ) -> None:
        folder = Path(root) / split
        meta = read_meta(folder / "meta.json")
        names = sorted(name for name, stems in meta.items() if len(stems) >= min_frames)
        super().__init__(
            folder / "JPEGImages",
            folder / "Annotations",
            names,
            spacing=spacing,
            choice=choice,
            reverse=reverse,
        )


class Bl30kVideos(FolderVideos):
    """BL30K: JPEGImages/<video>, Annotations/<video>; rendered videos of 160 frames.

    Args:
        root: folder with JPEGImages and Annotations.
        choice: how the frames of a clip are chosen.
        reverse: probability of a clip that runs backwards.
    """

    def __init__(self, root: Path | str, *, choice: FrameChoice = "near", reverse: float = 0.5) -> None:
        root = Path(root)
        super().__init__(root / "JPEGImages", root / "Annotations", choice=choice, reverse=reverse)


def read_list(path: Path) -> list[str]:
    """Names of a list file, one a line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is empty.
    """
    return read_names(path)


def read_meta(path: Path) -> dict[str, set[str]]:
    """The annotated frames of every video in a YouTube-VOS meta.json: those of any of its objects.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another layout.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no YouTube-VOS list at {path}")
    try:
        videos = json.loads(read_text(path))["videos"]
        return {
            name: {str(stem) for thing in video["objects"].values() for stem in thing["frames"]}
            for name, video in videos.items()
        }
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a YouTube-VOS meta.json ({error!r})") from error
