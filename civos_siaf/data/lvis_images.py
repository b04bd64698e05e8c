"""Where the images of LVIS are: they are COCO's."""

from __future__ import annotations

from pathlib import Path

SPLITS = ("train2017", "val2017")


def lvis_images(lvis: Path | str, coco: Path | str) -> Path:
    """The folder with the images: `lvis/images`, or that of COCO.

    Args:
        lvis: folder of LVIS.
        coco: folder of COCO, with train2017 in it or in `images`.

    Raises:
        FileNotFoundError: in neither; names both.
    """
    own = Path(lvis) / "images"
    if own.is_dir():
        return own
    for place in (Path(coco), Path(coco) / "images", Path(lvis)):
        if any((place / split).is_dir() for split in SPLITS):
            return place
    raise FileNotFoundError(f"no images of LVIS at {own}, and no {SPLITS[0]} of COCO in {coco}")
