"""What a training reads, looked for before it begins: hours later is too late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from civos_siaf.data.lvis_images import lvis_images

SUFFIXES = frozenset({".json", ".npz", ".pt", ".pth", ".safetensors", ".txt"})
_FOLDERS = frozenset({"root", "images", "annotations"})
"""Options that are always paths."""
_NAMES = frozenset({"_target_", "architecture"})


def missing(settings: Mapping[str, Any]) -> list[str]:
    """Files and folders that settings name and that are not there, each with its option.

    Args:
        settings: of task, data and validation, resolved; plain containers.
    """
    return list(dict.fromkeys(_missing(settings, "")))


def check(stages: Mapping[str, Mapping[str, Any]], *, made: Mapping[str, Path]) -> None:
    """Refuse to begin before everything is there.

    Args:
        stages: settings by stage, of all that are to be trained; the name is empty where there are none.
        made: file by stage that an earlier stage will write.

    Raises:
        FileNotFoundError: lists what is missing, in all stages.
    """
    written = {str(path) for path in made.values()}
    lines = []
    for name, settings in stages.items():
        found = [line for line in missing(settings) if line.partition("=")[2] not in written]
        lines += [f"{line} (stage {name})" if name else line for line in found]
    if lines:
        raise FileNotFoundError(
            f"not there: {'; '.join(lines)}. One root for all: data_root=FOLDER; one by one: "
            "data_root.davis=FOLDER, .youtubevos=, .lvis=, .coco="
        )


def _missing(value: object, above: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if str(value.get("_target_", "")).endswith("lvis_images"):
            yield from _missing_images(value, above)
            return
        for name, part in value.items():
            if name not in _NAMES:
                yield from _missing(part, f"{above}.{name}" if above else str(name))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _missing(part, f"{above}.{number}")
    elif isinstance(value, str) and _is_path(above, value) and not Path(value).exists():
        yield f"{above}={value}"


def _missing_images(value: Mapping[str, Any], above: str) -> Iterator[str]:
    try:
        lvis_images(value["lvis"], value["coco"])
    except FileNotFoundError as error:
        yield f"{above}: {error}"


def _is_path(option: str, value: str) -> bool:
    return option.rpartition(".")[2] in _FOLDERS or "/" in value or Path(value).suffix in SUFFIXES
