import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import torch

from civos_siaf.weights import deterministic_weights
from tests.parity import noc, ritm, ritm_networks, ritm_small
from tests.parity.check import Folder

REFERENCE = Path(__file__).parents[1] / "reference"


def test_everything_recorded_from_ritm_agrees() -> None:
    folder = Folder(REFERENCE / "ritm")
    checks = [*ritm.check(folder), *noc.check(folder)]
    assert [str(check) for check in checks if not check.ok] == []
    assert len(checks) > 300
    names = {check.name for check in checks}
    for name in ("hrnet32-ocr a_instances", "dmap_brs step 1 probability", "losses nfl", "clicker_ignore"):
        assert name in names


def test_made_weights_are_those_of_the_fixtures() -> None:
    spec = importlib.util.spec_from_file_location("reference_fill", REFERENCE / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    shapes = json.loads((REFERENCE / "ritm" / "hrnet18s-ocr_shapes.json").read_text())
    ours, theirs = deterministic_weights.deterministic_state(shapes), reference.fill(shapes)
    assert all(torch.equal(ours[name], theirs[name]) for name in shapes)
    assert all(ours[name].dtype == theirs[name].dtype for name in shapes)
    assert torch.equal(
        deterministic_weights.deterministic_image(5, (2, 3, 20, 31)), reference.image(5, (2, 3, 20, 31))
    )


def test_another_weight_fails_the_comparison(tmp_path: Path) -> None:
    for file in (REFERENCE / "ritm").glob("hrnet18s*"):
        shutil.copy(file, tmp_path)
    shutil.copy(REFERENCE / "ritm" / "inputs.json", tmp_path)
    rules = json.loads((tmp_path / "hrnet18s-ocr_adjust.json").read_text())
    rules.append(["feature_extractor\\.stage4\\.1\\.fuse_layers\\.0\\.3\\.0\\.weight", "mul", 1.01])
    (tmp_path / "hrnet18s-ocr_adjust.json").write_text(json.dumps(rules))
    checks = {check.name: check for check in ritm_networks.check(Folder(tmp_path))}
    assert checks["hrnet18s-ocr a_stage3_0"].ok
    assert not checks["hrnet18s-ocr a_stage4_0"].ok
    assert not checks["hrnet18s-ocr b_instances"].ok


def test_another_recorded_loss_fails_the_comparison(tmp_path: Path) -> None:
    with np.load(REFERENCE / "ritm" / "losses.npz") as archive:
        arrays = dict(archive)
    arrays["nfl"] = arrays["nfl"] * 1.001
    np.savez(tmp_path / "losses.npz", **arrays)
    checks = {check.name: check.ok for check in ritm_small.check(Folder(tmp_path))}
    assert not checks["losses nfl"]
    assert checks["losses bce"]
