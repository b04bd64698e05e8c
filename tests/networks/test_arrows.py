import re
from pathlib import Path

import pytest

import civos_siaf

ROOMS = {
    "networks": {"networks"},
    "interaction": {"interaction", "networks"},
    "propagation": {"propagation", "networks"},
    "methods": {"methods", "interaction", "propagation", "networks"},
}
PACKAGE = Path(civos_siaf.__file__).parent
IMPORT = re.compile(r"^\s*(?:from|import)\s+civos_siaf\.(\w+)", re.MULTILINE)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_those_below_and_the_ground_floor_only(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        used = {name for name in IMPORT.findall(path.read_text("utf-8")) if (PACKAGE / name).is_dir()}
        assert used <= ROOMS[room], f"{path.name} imports from {sorted(used - ROOMS[room])}"
