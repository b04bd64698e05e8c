"""Which room of the package imports which: the arrows of docs/architecture.md, without a circle."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import civos_siaf

PACKAGE = Path(civos_siaf.__file__).parent
GROUND = {"protocol", "video", "prompts", "masks", "runtime", "__version__"}
"""The ground floor: everybody may import it, and it imports no other room."""
DOORS = {"__init__", "__main__", "api", "cli"}
"""Where a person comes in: they may import every room, and no room imports them."""
ARROWS: dict[str, set[str]] = {
    "video": set(),
    "prompts": set(),
    "masks": set(),
    "runtime": set(),
    "networks": set(),
    "next_frame": {"networks"},
    "interaction": {"networks"},
    "propagation": {"networks"},
    "methods": {"interaction", "propagation", "networks"},
    "benchmark": {"next_frame"},
    "app": {"next_frame"},
    "data": set(),
    "training": {"data", "networks"},
    "weights": {"networks"},
    "tables": {"benchmark", "speed", "weights"},
    "speed": {"benchmark", "interaction", "methods", "networks", "propagation", "weights"},
    "doctor": {"benchmark", "data", "weights"},
}
EXCEPTIONS = {
    ("app", "data"): "the start page offers the sample clip, which is drawn as synthetic training data are",
    ("training", "benchmark"): "validation plays rounds of the benchmark, through the protocol",
    ("training", "propagation"): "tasks teach the memory of the propagation as it is read afterwards",
    ("training", "weights"): "trainings begin with weights, and end by writing them",
    ("doctor", "cli"): "it tells a person what to type",
}
"""Arrows beside those, each with its reason."""

Edges = dict[tuple[str, str], set[str]]


def test_every_room_and_module_has_its_place():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    assert packages == ARROWS.keys() | {"api", "cli"}
    assert modules == {"__init__", "__main__", "protocol"}


def test_rooms_import_what_they_may():
    assert list(forbidden(edges(PACKAGE))) == []


@pytest.mark.parametrize("arrow", EXCEPTIONS, ids="-".join)
def test_an_exception_is_one_and_is_needed(arrow):
    assert arrow in edges(PACKAGE), "nobody imports this any more: remove the exception"
    assert arrow[1] not in ARROWS[arrow[0]]


def test_there_is_no_circle():
    assert circle(edges(PACKAGE)) is None


def test_a_wrong_arrow_and_a_circle_are_found(tmp_path):
    write(tmp_path, "benchmark/a.py", "def f():\n    from civos_siaf.methods.civos import CiVOS\n")
    write(tmp_path, "video/frames.py", "import civos_siaf.networks.ritm\n")
    write(tmp_path, "app/deep/b.py", "from civos_siaf import api, video\n")
    write(tmp_path, "methods/c.py", "import numpy\nfrom ..interaction import zoom\nfrom . import civos\n")
    found = edges(tmp_path)
    assert sorted(forbidden(found)) == [
        "app/deep/b.py imports api",
        "benchmark/a.py imports methods",
        "video/frames.py imports networks",
    ]
    assert circle(found) is None
    write(tmp_path, "interaction/d.py", "from civos_siaf.masks import one_hot\n")
    write(tmp_path, "networks/e.py", "from civos_siaf.benchmark import a\n")
    assert circle(edges(tmp_path)) is None
    write(tmp_path, "interaction/f.py", "from civos_siaf.networks import e\n")
    assert circle(edges(tmp_path)) == ["networks", "benchmark", "methods", "interaction", "networks"]


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def edges(package: Path) -> Edges:
    """Files by the pair of rooms, or modules beside them, of which the first imports the second."""
    found: Edges = {}
    for path in package.rglob("*.py"):
        place = path.relative_to(package)
        own = place.with_suffix("").parts
        for parts in imported(ast.parse(path.read_text(encoding="utf-8")), own):
            if parts and parts[0] != own[0]:
                found.setdefault((own[0], parts[0]), set()).add(place.as_posix())
    return found


def imported(tree: ast.AST, own: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a file of the package imports of the package, wherever in the file, below `civos_siaf`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ["civos_siaf", *own[: len(own) - node.level]] if node.level else []
            names = [[*above, *(node.module or "").split("."), alias.name] for alias in node.names]
            names = [[part for part in name if part] for name in names]
        else:
            continue
        yield from (tuple(name[1:]) for name in names if name[0] == "civos_siaf")


def forbidden(found: Edges) -> Iterator[str]:
    for (one, other), files in found.items():
        allowed = GROUND | ARROWS.get(one, set()) | {b for a, b in EXCEPTIONS if a == one}
        if one not in DOORS and other not in allowed:
            yield from (f"{file} imports {other}" for file in sorted(files))


def circle(found: Mapping[tuple[str, str], object]) -> list[str] | None:
    """Rooms or modules on a way that leads back to where it began; None: there is no such way."""
    below: dict[str, list[str]] = {}
    for one, other in sorted(found):
        below.setdefault(one, []).append(other)
    done: set[str] = set()

    def walk(place: str, way: list[str]) -> list[str] | None:
        if place in way:
            return [*way[way.index(place) :], place]
        if place in done:
            return None
        found = next((c for other in below.get(place, []) if (c := walk(other, [*way, place]))), None)
        done.add(place)
        return found

    return next((c for start in sorted(below) if (c := walk(start, []))), None)
