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
_MIVOS_PAGE = "https://github.com/hkchengrex/MiVOS"
_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="


def _mivos(name: str, architecture: str, file_name: str, drive_id: str) -> WeightRecord:
    return WeightRecord(
        name=name,
        architecture=architecture,
        file_name=file_name,
        url=_DRIVE + drive_id,
        page=_MIVOS_PAGE,
        licence="MIT",
        metric="DAVIS interactive, all three together: AUC 87.9, J&F@60s 88.5",
    )


RECORDS += (
    _mivos(
        "mivos-propagation", "mivos-propagation", "propagation_model.pth", "19dfbVDndFkboGLHESi8DGtuxF1B21Nm8"
    ),
    _mivos("mivos-fusion", "mivos-fusion", "fusion.pth", "1Lc1lI5-ix4WsCRdipACXgvS3G-o0lMoz"),
    _mivos("mivos-s2m", "mivos-s2m", "s2m.pth", "1HKwklVey3P2jmmdmrACFlkXtcvNxbKMM"),
)
_AOT_PAGE = "https://github.com/yoxu515/aot-benchmark"
_AOT_FILES = (
    # architecture, the original's name, DAVIS 2017 val, and where PRE and PRE_YTB_DAV are
    ("aott", "AOTT", "79.2", "1_513h8Hok9ySQPMs_dHgX5sPexUhyCmy", "1owPmwV4owd_ll6GuilzklqTyAd0ZvbCu"),
    ("aots", "AOTS", "82.1", "1QUP0-VED-lOF1oX_ppYWnXyBjvUzJJB7", "1beU5E6Mdnr_pPrgjWvdWurKAIwJSz1xf"),
    ("aotb", "AOTB", "83.3", "11Bx8n_INAha1IdpHjueGpf7BrKmCJDvK", "1hH-GOn4GAxHkV8ARcQzsUy8Ax6ndot-A"),
    ("aotl", "AOTL", "83.6", "1WL6QCsYeT7Bt-Gain9ZIrNNXpR2Hgh29", "1L1N2hkSPqrwGgnW9GyFHuG59_EYYfTG4"),
    (
        "r50_aotl",
        "R50_AOTL",
        "85.2",
        "1hS4JIvOXeqvbs-CokwV6PwZV-EvzE6x8",
        "1qJDYn3Ibpquu4ffYoQmVjg1YCbr2JQep",
    ),
    (
        "swinb_aotl",
        "SwinB_AOTL",
        "85.9",
        "1LlhKQiXD8JyZGGs3hZiNzcaCLqyvL9tj",
        "192jCGQZdnuTsvX-CVra-KVZl2q1ZR0vW",
    ),
)


def _aot(architecture: str, original: str, stage: str, metric: str, drive_id: str) -> WeightRecord:
    suffix = "" if stage == "PRE_YTB_DAV" else "-pre"
    return WeightRecord(
        name=architecture.replace("_", "-") + suffix,
        architecture=architecture,
        file_name=f"{original}_{stage}.pth",
        url=_DRIVE + drive_id,
        page=_AOT_PAGE,
        licence="BSD-3-Clause",
        metric=metric,
    )


for _name, _original, _score, _pre, _full in _AOT_FILES:
    RECORDS += (
        _aot(_name, _original, "PRE_YTB_DAV", f"DAVIS 2017 val, J&F {_score}", _full),
        _aot(_name, _original, "PRE", "pre-training on static images only, no figure published", _pre),
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
