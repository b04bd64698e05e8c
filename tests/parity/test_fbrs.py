import json
import shutil
from pathlib import Path

import pytest
import torch

from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.click_networks import load_click_network
from civos_siaf.weights.mivos_networks import load_network as mivos_network
from tests.parity import fbrs
from tests.parity.check import Folder

REFERENCE = Path(__file__).parents[1] / "reference" / "fbrs"


@pytest.fixture(scope="module")
def folder():
    return Folder(REFERENCE)


@pytest.fixture(scope="module")
def net(folder):
    return fbrs.network(folder)


def test_names_and_maps(folder):
    checks = [*fbrs.check_shapes(folder), *fbrs.check_maps(folder)]
    assert [str(check) for check in checks if not check.ok] == []
    assert len(checks) == 11


def test_clicks_between_pixels_matter(folder):
    assert "fbrs maps halves_maps" in {check.name for check in fbrs.check_maps(folder)}
    points = torch.tensor([[[2.5, 3.5, 0.0], [-1.0, -1.0, -1.0]]])
    size = {"height": 8, "width": 8, "radius": 260}
    rounded = fbrs.distance_maps(points, **size, whole_pixels=True)[0, 0]
    assert (rounded == 0).nonzero().tolist() == [[2, 4]]
    assert (fbrs.distance_maps(points, **size)[0, 0] > 0).all()


@torch.inference_mode()
def test_every_layer(folder, net):
    checks = list(fbrs.check_network(folder, net))
    assert [str(check) for check in checks if not check.ok] == []
    assert len(checks) == 32


@pytest.mark.parametrize(
    ("file", "name", "forced"),
    [
        ("toys", "toy_zoom", False),
        ("toys", "toy_empty", False),
        ("toys", "toy_limit", False),
        ("predictors", "nobrs_zoom", False),
        ("predictors", "fbrs_a", False),
        ("predictors", "fbrs_c", True),
        ("predictors", "small", True),
        ("published", "mivos", False),
    ],
)
def test_series_of_clicks(folder, net, file, name, forced):
    checks = list(fbrs.check_run(folder, net, file, name, forced=forced))
    assert [str(check) for check in checks if not check.ok] == []
    assert len(checks) >= 6


def test_another_weight_fails_the_comparison(tmp_path):
    for file in ("fbrs_shapes.json", "overrides.json", "inputs.json", "network.npz"):
        shutil.copy(REFERENCE / file, tmp_path)
    rules = json.loads((tmp_path / "overrides.json").read_text())
    rules.append({"name": "head.layers.1.body.1.weight", "multiply": 1.01})
    (tmp_path / "overrides.json").write_text(json.dumps(rules))
    changed = Folder(tmp_path)
    with torch.inference_mode():
        checks = {c.name: c.ok for c in fbrs.check_network(changed, fbrs.network(changed))}
    assert checks["fbrs a_head0"]
    assert not checks["fbrs a_instances"]


def test_files_as_people_have_them(tmp_path, net):
    """Without counters, with a number for dropout, and nothing else forgiven."""
    state = deterministic_weights.deterministic_state(
        json.loads((REFERENCE / "fbrs_shapes.json").read_text())
    )
    state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    file = tmp_path / "fbrs.pth"
    torch.save({**state, "aspp_dropout": torch.tensor(0.2)}, file)
    loaded = load_click_network(file)
    assert isinstance(loaded, fbrs.Fbrs)
    prepared = mivos_network("fbrs-r50", file)
    image, points = torch.rand(1, 3, 33, 40), torch.tensor([[[8.0, 9.0, 0.0], [-1.0, -1.0, -1.0]]])
    with torch.inference_mode():
        assert torch.allclose(prepared(image, points).instances, loaded(image, points).instances, atol=1e-4)
    torch.save({**state, "more": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="1 unexpected: more"):
        mivos_network("fbrs-r50", file)
    del state["head.layers.2.bias"]
    torch.save(state, file)
    with pytest.raises(ValueError, match=r"1 missing: head\.layers\.2\.bias"):
        mivos_network("fbrs-r50", file)
