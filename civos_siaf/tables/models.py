"""What stands for the systems of the papers: the light models, the published ones, or somebody's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from civos_siaf.tables.runs import CannotRunError, Run
from civos_siaf.weights.download import sha256
from civos_siaf.weights.locate import (
    TRAINED,
    TRAINED_AT,
    TRAININGS,
    file_names,
    find_file,
    own_weights,
    weight_folders,
)
from civos_siaf.weights.manifest import RECORDS
from civos_siaf.weights.provenance import hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What stands for one system.

    Attributes:
        method: a name in `configs/method`.
        overrides: of its configuration, as on the command line.
        own: weights of the package that it needs.
        files: weight files that it needs, by the option that takes the file: a name of
            `civos_siaf.weights.manifest`, or one of `Models.unpublished`.
        network: its name in `civos_siaf.speed.siaf.NETWORKS`; the costs of the parts need no weights.
        cannot: why its scores cannot be measured; its costs can.
        timed: further overrides where a round is timed, such as one that lets every round propagate.
    """

    method: str
    overrides: Sequence[str] = ()
    own: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    network: str | None = None
    cannot: str | None = None
    timed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A role that can be played: options of `eval_davis.py`, and the SHA-256 of its weight files by name."""

    role: Role
    options: tuple[str, ...]
    weights: dict[str, str]


class Models:
    """Roles and where their weight files are.

    Args:
        name: light, published or mine.
        roles: by name, with the fields of `Role`.
        note: what a reader must know about these models.
        folder: where weights are looked for before the usual places, see `weight_folders`.
        weights: files by name, which need not be in the folder.
        unpublished: weights that nobody has published: file name and how they are to be had, by name.

    Raises:
        ValueError: a role with unknown fields.
    """

    def __init__(
        self,
        name: str,
        roles: Mapping[str, Mapping[str, object]],
        *,
        note: str = "",
        folder: Path | str | None = None,
        weights: Mapping[str, str] | None = None,
        unpublished: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.name = name
        self.note = note
        self.folder = None if folder is None else Path(folder)
        self.weights = dict(weights or {})
        self.unpublished = dict(unpublished or {})
        self._hashes: dict[Path, str] = {}
        try:
            self.roles = {key: Role(**value) for key, value in roles.items()}  # type: ignore[arg-type]
        except TypeError as error:
            raise ValueError(f"models {name}: {error}") from error

    def choose(self, run: Run) -> Choice:
        """What plays a run.

        Raises:
            CannotRunError: nothing stands for the role, or weights are missing; says where to get them.
        """
        role = self.roles.get(run.role)
        if role is None:
            raise CannotRunError(
                f"no method for {run.role} in models={self.name}; "
                f"give +models.roles.{run.role}.method=NAME, a file in configs/method"
            )
        if run.kind == "costs":
            if role.network is None:
                raise CannotRunError(f"{run.role} in models={self.name} has no network= for costs")
            return Choice(role, (), {})
        options = [f"method={role.method}", *role.overrides]
        if run.kind in ("objects", "interactive"):
            # Seconds do not depend on the weights; where a file is missing the network is untrained.
            absent = [option for option, name in role.files.items() if isinstance(self._find(name), str)]
            return Choice(role, (*options, *role.timed, *(f"{option}=null" for option in absent)), {})
        if role.cannot:
            raise CannotRunError(role.cannot)
        found = {name: self._own(name) for name in role.own}
        files = {option: self._find(name) for option, name in role.files.items()}
        if missing := [advice for advice in files.values() if isinstance(advice, str)]:
            looked = ", ".join(map(str, self._places))
            raise CannotRunError(f"{'; '.join(dict.fromkeys(missing))} (looked into {looked})")
        for option, name in role.files.items():
            path = files[option]
            assert isinstance(path, Path)
            found[name] = path
            options.append(f"{option}='{path.resolve()}'")
        return Choice(role, tuple(options), {name: self._hash(path) for name, path in found.items()})

    def hashes(self, config: object, *, known: Mapping[str, str]) -> dict[str, str]:
        """SHA-256 of weight files by name: those `known`, and others that a method's configuration names.

        Others are files that a role does not list: of an own method, or given by an override.
        """
        named = hashes(config, self._hash)
        return {**known, **{name: found for name, found in named.items() if found not in known.values()}}

    @property
    def _places(self) -> list[Path]:
        return weight_folders([] if self.folder is None else [self.folder])

    def _hash(self, path: Path) -> str:
        file = path.resolve()  # several names may lead to one large file
        if file not in self._hashes:
            self._hashes[file] = sha256(file)
        return self._hashes[file]

    def _own(self, name: str) -> Path:
        try:
            return own_weights(name)
        except FileNotFoundError as error:
            raise CannotRunError(str(error)) from error

    def _find(self, name: str) -> Path | str:
        """The file, or what to do to have it."""
        path: Path | None
        if name in self.weights:
            path = Path(self.weights[name])
            return path if path.is_file() else f"weights.{name}: no file {path}"
        names: tuple[str, ...]
        unpublished = self.unpublished.get(name)
        record = next((record for record in RECORDS if record.name == name), None)
        if unpublished is not None:
            names, advice = (unpublished["file"],), unpublished["how"]
            key = Path(unpublished["file"]).stem
            if find_file(names, self._places) is None and key in TRAINED_AT:
                experiment, stage, _ = TRAINED_AT[key]
                if path := find_file([TRAINED], [TRAININGS / experiment / stage]):
                    return path
        elif record is not None:
            names = file_names(record)
            advice = (
                f"`python scripts/download_weights.py {name}`, or by hand from {record.page} "
                f"(licence {record.licence})"
            )
        else:
            raise ValueError(f"models {self.name}: no weights called {name!r} are known")
        return find_file(names, self._places) or f"no {names[0]}: {advice}; or +weights.{name}=FILE"
