"""Everything that is looked at, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from civos_siaf.doctor.machine import Machine, look
from civos_siaf.doctor.search import Found, data_folders, find_data, find_hub, find_weights
from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights.hub import installed
from civos_siaf.weights.locate import TRAINED, TRAINED_AT, TRAININGS, weight_folders
from civos_siaf.weights.manifest import Manifest, WeightRecord, manifest


@dataclass(frozen=True)
class Examination:
    """What there is.

    Attributes:
        manifest: what there could be.
        machine: see there.
        weights: by name, our own, the published ones and those of the hub.
        trained: weights of one's own by experiment, of its last stage.
        data: data sets by name.
        weight_places: folders that were looked into.
        data_places: likewise.
    """

    manifest: Manifest
    machine: Machine
    weights: dict[str, Found]
    trained: dict[str, Found]
    data: dict[str, Found]
    weight_places: tuple[Path, ...]
    data_places: tuple[Path, ...]

    def missing_for(self, method: str) -> list[str]:
        """Names of the weights that a method lacks, experiments among them, and what must be installed."""
        needs = self.manifest.methods[method]
        names = (*needs.shipped, *needs.published.values(), *needs.hub.values())
        lacking = [] if self.has_packages(method) else [f"the extra [{needs.extra}]"]
        lacking += [name for name in names if not self.weights[name].usable]
        return lacking + [name for name in needs.trained.values() if not self.trained[name].usable]

    def has_packages(self, method: str) -> bool:
        """The packages of others that it runs with are installed."""
        extra = self.manifest.methods[method].extra
        return extra is None or installed(extra)

    def ready(self, method: str) -> bool:
        """All its weights are there."""
        return not self.missing_for(method) and self.manifest.methods[method].untrained is None

    def missing_for_table(self, table: str) -> tuple[list[str], list[str]]:
        """Methods that are not ready and data sets that are not there, for the papers' own figures."""
        needs = self.manifest.tables[table]
        methods = [name for name in needs.methods if not self.ready(name)]
        return methods, [name for name in needs.data if not self.data[name].usable]


def examine(
    weights: Sequence[Path] = (),
    data: Sequence[Path] = (),
    *,
    tell: Callable[[str], None] = lambda what: None,
) -> Examination:
    """Look at the machine and into the usual places.

    Args:
        weights: further folders of weight files.
        data: further folders of data sets: one itself, or the folder above it.
        tell: is told what is looked at next.
    """
    known = manifest()
    tell("the machine")
    machine = look(Path.cwd())
    weight_places, data_places = weight_folders(weights), data_folders(data)
    found = {}
    for name, record in (known.shipped | known.published).items():
        tell(f"weights {name}")
        found[name] = find_weights(record, weight_places)
    for name, model in known.hub.items():
        tell(f"model {name}")
        found[name] = find_hub(model, weight_places)
    sets = {}
    for name, needs in known.data.items():
        tell(f"data set {name}")
        sets[name] = find_data(name, needs, data_places)
    experiments = {name for needs in known.methods.values() for name in needs.trained.values()}
    trained = {name: _trained(name, weight_places) for name in sorted(experiments)}
    return Examination(known, machine, found, trained, sets, tuple(weight_places), tuple(data_places))


def _trained(experiment: str, places: Sequence[Path]) -> Found:
    """The weights with which an experiment ends.

    Among the other weights, under the name by which methods find them; or in the folder of the training, that
    of its last stage if it has several.
    """
    file = resource_folder("configs") / "experiment" / f"{experiment}.yaml"
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    record = WeightRecord(experiment, settings["task"]["architecture"], TRAINED)
    last = (settings.get("stages") or [""])[-1]
    for name in (name for name, at in TRAINED_AT.items() if at[:2] == (experiment, last)):
        if (found := find_weights(replace(record, file_name=f"{name}.safetensors"), places)).path:
            return found
    return find_weights(record, [TRAININGS / experiment / last])
