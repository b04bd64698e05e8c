"""Reading `checkpoints/manifest.yaml`: the weight files and data sets there are, and what needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from civos_siaf.runtime.resources import resource_folder

FILE = "manifest.yaml"


@dataclass(frozen=True)
class WeightRecord:
    """One weight file: published, our own, or left by a training, which has no source.

    Attributes:
        name: what it is called here.
        architecture: a name that builds its network.
        file_name: as published.
        url: where the file is; empty if it is included.
        page: where a person finds it.
        licence: of the weights, as the source states it.
        metric: what the source reports for it.
        sha256: of the file, in hexadecimal; None where nobody has published it.
        tensors: names of the network that it must fill; None if unknown.
        also: other names under which people have the file.
        bytes: of an included file; of a published one those of its tensors, and the file is larger.
    """

    name: str
    architecture: str
    file_name: str
    url: str = ""
    page: str = ""
    licence: str = ""
    metric: str = ""
    sha256: str | None = None
    tensors: int | None = None
    bytes: int | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubRecord:
    """A model of others in a repository of the Hugging Face hub.

    Attributes:
        name: what it is called here.
        family: sam2, edgetam or sam3.
        repository: on the hub.
        licence: of the weights.
        gated: access must be asked for.
        tensors: names of the model.
        bytes: of its tensors in float32; files of whole systems are larger.
        backbone: arguments of its image encoder's configuration, where they are not the usual ones.
    """

    name: str
    family: str
    repository: str
    licence: str
    tensors: int
    bytes: int
    gated: bool = False
    backbone: dict[str, Any] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where a person finds it."""
        return f"https://huggingface.co/{self.repository}"

    @property
    def megabytes(self) -> int:
        """Of its tensors."""
        return round(self.bytes / 1e6)


@dataclass(frozen=True)
class MethodNeeds:
    """What a method needs to give masks that mean something.

    Attributes:
        shipped: names of our own files, found without an option.
        published: name of the published file by the option that takes it.
        hub: name of the model on the hub by the option that takes it.
        trained: experiment that makes the file by the option that takes it.
        untrained: why it cannot be had with weights; None if it can.
        extra: of this package, with which packages of others are installed; None if it needs none.
    """

    shipped: tuple[str, ...] = ()
    published: dict[str, str] = field(default_factory=dict)
    hub: dict[str, str] = field(default_factory=dict)
    trained: dict[str, str] = field(default_factory=dict)
    untrained: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class DataNeeds:
    """A data set on disk.

    Attributes:
        page: where it is to be had.
        needs: paths below its folder that must be there.
        used: what for.
        check: layout for `check_data.py`.
    """

    page: str
    needs: tuple[str, ...]
    used: str
    check: str


@dataclass(frozen=True)
class TableNeeds:
    """What a table of the papers needs: methods with their weights, data sets."""

    methods: tuple[str, ...]
    data: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """The whole file; each part by name."""

    shipped: dict[str, WeightRecord]
    published: dict[str, WeightRecord]
    hub: dict[str, HubRecord]
    methods: dict[str, MethodNeeds]
    tables: dict[str, TableNeeds]
    data: dict[str, DataNeeds]


def read_manifest(path: Path | str) -> Manifest:
    """Read a manifest.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a part or an entry is missing or unknown; names it.
    """
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    try:
        sources = content["sources"]
        return Manifest(
            shipped={k: _record(k, v, sources) for k, v in content["shipped"].items()},
            published={k: _record(k, v, sources) for k, v in content["published"].items()},
            hub={k: HubRecord(k, **v) for k, v in content["hub"].items()},
            methods={k: MethodNeeds(**_tuples(v)) for k, v in content["methods"].items()},
            tables={k: TableNeeds(**_tuples(v)) for k, v in content["tables"].items()},
            data={k: DataNeeds(**_tuples(v)) for k, v in content["data"].items()},
        )
    except KeyError as error:
        raise ValueError(f"{path}: no entry {error}") from error
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error


@cache
def manifest() -> Manifest:
    """The package's own."""
    return read_manifest(resource_folder("checkpoints") / FILE)


def _record(name: str, entry: dict[str, Any], sources: dict[str, dict[str, str]]) -> WeightRecord:
    source = sources[entry["source"]]
    return WeightRecord(
        name=name,
        architecture=entry["architecture"],
        file_name=entry["file"],
        url=source["url"] + entry["at"] if "at" in entry else "",
        page=source["page"],
        licence=source["licence"],
        metric=entry.get("metric", ""),
        sha256=entry.get("sha256"),
        tensors=entry["tensors"],
        bytes=entry["bytes"],
        also=tuple(entry.get("also", ())),
    )


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


RECORDS: tuple[WeightRecord, ...] = tuple(manifest().published.values())


def find_record(name: str) -> WeightRecord:
    """The record of a name.

    Raises:
        ValueError: no such weights; lists those there are.
    """
    for record in RECORDS:
        if record.name == name:
            return record
    raise ValueError(f"no weights called {name!r}; there are {', '.join(r.name for r in RECORDS)}")
