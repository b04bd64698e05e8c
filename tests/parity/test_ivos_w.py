"""IVOS-W's networks and choices against the recorded answers of the original."""

from collections import Counter
from pathlib import Path

import pytest

from tests.parity import check_folder

REFERENCE = Path(__file__).parents[1] / "reference" / "ivos_w"


@pytest.fixture(scope="module")
def checks():
    return list(check_folder(REFERENCE))


def test_everything_agrees(checks):
    assert [str(check) for check in checks if not check.ok] == []


def test_all_cases_are_there(checks):
    kinds = Counter(check.name.partition("/")[0] for check in checks)
    assert kinds["agent"] == 7
    assert kinds["assessment"] == 11
    assert kinds["selection"] == 11 + 5 + 4
    assert kinds["recommend"] == 4
