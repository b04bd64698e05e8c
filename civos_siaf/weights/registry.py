"""What weights there are, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightRecord:
    """One published weight file.

    Attributes:
        name: what it is called here.
        architecture: a name that builds its network.
        file_name: as published.
        url: where the file is.
        page: where a person finds it.
        licence: of the weights, as the source states it.
        metric: what the source reports for it.
        sha256: of the file, in hexadecimal; None where nobody has published it.
    """

    name: str
    architecture: str
    file_name: str
    url: str
    page: str
    licence: str
    metric: str
    sha256: str | None = None


_RITM_PAGE = "https://github.com/SamsungLabs/ritm_interactive_segmentation"
_RITM_FILES = "https://github.com/saic-vul/ritm_interactive_segmentation/releases/download/v1.0"


def _ritm(name: str, architecture: str, file_name: str, metric: str) -> WeightRecord:
    return WeightRecord(
        name=name,
        architecture=architecture,
        file_name=file_name,
        url=f"{_RITM_FILES}/{file_name}",
        page=_RITM_PAGE,
        licence="MIT",
        metric=metric,
    )


_NOC = "NoC@90 GrabCut {}, Berkeley {}, SBD {}, DAVIS {}"
RECORDS: tuple[WeightRecord, ...] = (
    _ritm(
        "ritm-h18s",
        "hrnet18s-ocr",
        "coco_lvis_h18s_itermask.pth",
        _NOC.format("1.68", "2.60", "6.48", "5.98"),
    ),
    _ritm(
        "ritm-h18",
        "hrnet18-ocr",
        "coco_lvis_h18_itermask.pth",
        _NOC.format("1.54", "2.26", "6.06", "5.74"),
    ),
    _ritm(
        "ritm-h32",
        "hrnet32-ocr",
        "coco_lvis_h32_itermask.pth",
        _NOC.format("1.56", "2.10", "5.71", "5.34"),
    ),
    _ritm(
        "ritm-h18-sbd",
        "hrnet18-ocr",
        "sbd_h18_itermask.pth",
        _NOC.format("2.04", "3.22", "5.43", "6.71"),
    ),
    _ritm(
        "ritm-h18-baseline",
        "hrnet18-ocr-baseline",
        "coco_lvis_h18_baseline.pth",
        _NOC.format("1.70", "2.48", "6.86", "6.00"),
    ),
)


def find(name: str) -> WeightRecord:
    """The record of a name.

    Raises:
        ValueError: no such weights; lists those there are.
    """
    for record in RECORDS:
        if record.name == name:
            return record
    raise ValueError(f"no weights called {name!r}; there are {', '.join(r.name for r in RECORDS)}")
