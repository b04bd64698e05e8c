"""The published DAVIS 2016 and 2017 data, which each user fetches."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from civos_siaf.benchmark.dataset import DavisDataset

SITE = "https://davischallenge.org"
SCRIBBLES = "DAVIS-2017-scribbles-trainval.zip"
"""The archive of what people drew."""
SCRIBBLES_PAGE = "https://interactive.davischallenge.org"

_log = logging.getLogger(__name__)


def published_davis(root: Path | str | None, *, year: int, **options: Any) -> DavisDataset:
    """Open a copy of DAVIS, or say where to get it.

    Args:
        root: the folder that holds JPEGImages, Annotations and ImageSets.
        year: 2016 (one object) or 2017 (several).
        options: as DavisDataset.

    Raises:
        FileNotFoundError: no root, or one without the expected folders; the message says what to do.
        ValueError: as DavisDataset.
    """
    if root is None:
        raise FileNotFoundError(f"DAVIS {year} needs dataset.root=FOLDER. {_advice(year)}")
    root = Path(root)
    resolution = str(options.get("resolution", "480p"))
    expected = [f"JPEGImages/{resolution}", f"Annotations/{resolution}"]
    if options.get("sequences") is None:
        expected.append(f"ImageSets/{year}")
    missing = [name for name in expected if not (root / name).is_dir()]
    if missing:
        raise FileNotFoundError(f"no DAVIS {year} at {root}: no {', no '.join(missing)}. {_advice(year)}")
    dataset = DavisDataset(root, year=year, **options)
    if year == 2017 and not any(map(dataset.has_scribble_files, dataset.sequences)):
        _log.warning(
            "%s: no Scribbles/, so the robot draws the first scribbles. Those of people are in the archive "
            "%s, from %s: unpack it so that %s is there",
            root,
            SCRIBBLES,
            SCRIBBLES_PAGE,
            root / "Scribbles",
        )
    return dataset


def _advice(year: int) -> str:
    return (
        f"Get DAVIS {year} (trainval, 480p) from {SITE} and lay it out as "
        "FOLDER/JPEGImages/480p/<sequence>/*.jpg, "
        f"FOLDER/Annotations/480p/<sequence>/*.png, FOLDER/ImageSets/{year}/<split>.txt (one name a line) "
        "and, optional, FOLDER/Scribbles/<sequence>/*.json"
    )
