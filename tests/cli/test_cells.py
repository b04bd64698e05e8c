"""What a cell of a table is known by, and the device on which it is played."""

import hashlib

import pytest
from omegaconf import OmegaConf

from civos_siaf.tables import Bench, Models
from civos_siaf.tables.runs import run_of

SCORES = {
    "metric": "auc",
    "click_strategy": "f3",
    "max_clicks": 1,
    "rounds": 1,
    "frames_per_round": 1,
    "first_scribbles": 1,
    "seconds_per_object": 30,
    "scope": "round",
}
OWN = {"_target_": "civos_siaf.weights.locate.own_weights", "name": "light_fusion"}
OBJECTS = {"kind": "objects", "metric": "milliseconds_per_frame", "objects": [1]}


@pytest.fixture
def cells():
    from civos_siaf.cli import cells

    return cells


@pytest.fixture
def composed(cells, monkeypatch):
    """Options with which `eval_davis` was composed; its configuration names the file w.pth."""
    seen = []

    def compose(name, overrides):
        seen.append((name, overrides))
        method = {"_target_": "a.Method", "path": "w.pth", "own": OWN}
        return OmegaConf.create({"method": method, **{key: {} for key in cells.GROUPS}})

    monkeypatch.setattr(cells, "compose", compose)
    given = OmegaConf.create({"overrides": {"task": ["models=light", "dataset.root=x", "+clock=fixed"]}})
    monkeypatch.setattr(cells.HydraConfig, "get", lambda: given)
    return seen


def job(cells, settings, *, role, device="cpu", bench=None):
    run, _ = run_of({"role": "civos", **settings}, rounds=None, where="here")
    return cells.jobs(Models("light", {"civos": role}), bench or Bench(), device)(run)


def test_files_of_the_role_and_of_its_overrides_are_both_in_the_key(cells, composed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    role = {"method": "x", "own": ["light_fusion"], "overrides": ["method.path=w.pth"]}
    plain = job(cells, SCORES, role=role).configuration["weights"]
    assert list(plain) == ["light_fusion"]  # once, although the configuration names it, too
    (tmp_path / "w.pth").write_bytes(b"1")
    with_file = job(cells, SCORES, role=role)
    assert with_file.configuration["weights"] == plain | {"w.pth": hashlib.sha256(b"1").hexdigest()}
    (tmp_path / "w.pth").write_bytes(b"2")
    assert job(cells, SCORES, role=role).digest != with_file.digest


@pytest.mark.parametrize(
    ("settings", "device", "bench", "expected"),
    [
        (SCORES, "cpu", "cuda", ["device=cpu"]),
        (SCORES, "cuda:1", "cpu", ["device=cuda:1"]),
        (OBJECTS, "cuda", "cpu", ["device=cpu"]),
        (OBJECTS, "cpu", "cuda", ["device=cuda"]),
    ],
)
def test_scores_and_costs_have_a_device_each(cells, composed, settings, device, bench, expected):
    job(cells, settings, role={"method": "x"}, device=device, bench=Bench(device=bench))
    ((name, overrides),) = composed
    assert name == "eval_davis"
    assert [option for option in overrides if option.startswith("device")] == expected
    assert "method=x" in overrides
    assert overrides[-2:] == ["dataset.root=x", "+clock=fixed"]
