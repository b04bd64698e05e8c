import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from civos_siaf.networks.ritm import Ritm
from civos_siaf.weights.click_networks import (
    ARCHITECTURES,
    build,
    from_config,
    identify,
    load_click_network,
    load_into,
)
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.manifest import RECORDS, find_record
from civos_siaf.weights.save import build as build_any
from civos_siaf.weights.save import convert, save_weights

CONFIG = Path(__file__).parents[1] / "reference" / "ritm" / "hrnet18s-ocr_config.json"
NAME = "hrnet18s-ocr"


@pytest.fixture(scope="module")
def network() -> Ritm:
    torch.manual_seed(0)
    net = build(NAME).eval()
    assert isinstance(net, Ritm)
    return net


@pytest.fixture
def published(network: Ritm, tmp_path: Path) -> Path:
    """A file in the published layout."""
    path = tmp_path / "published.pth"
    torch.save({"state_dict": network.state_dict(), "config": json.loads(CONFIG.read_text())}, path)
    return path


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_published_file(network: Ritm, published: Path) -> None:
    loaded = load_click_network(published, NAME)
    assert same(loaded, network)
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_without_config_the_tensors_tell_the_architecture(network: Ritm, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "plain.pth")
    assert same(load_click_network(tmp_path / "plain.pth"), network)


def test_the_file_format_of_old_torch_versions(network: Ritm, tmp_path: Path) -> None:
    content = {"state_dict": network.state_dict(), "config": json.loads(CONFIG.read_text())}
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert same(load_click_network(tmp_path / "old.pth", NAME), network)
    cut = tmp_path / "cut.pth"
    cut.write_bytes((tmp_path / "old.pth").read_bytes()[:-100_000])
    with pytest.raises(ValueError, match=r"cut\.pth: truncated"):
        load_click_network(cut)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("length", [0, 1, 10, 200, 300])
def test_the_beginning_of_a_file(tmp_path: Path, zipped: bool, length: int) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"cut\.pth: (truncated|not a file)"):
        load_click_network(path)


@pytest.mark.parametrize("prefix", ["module.", "RiTM.", "module.RiTM."])
def test_prefixes_of_wrappers_are_removed(network: Ritm, tmp_path: Path, prefix: str) -> None:
    state = {prefix + name: value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "wrapped.pth")
    assert same(load_click_network(tmp_path / "wrapped.pth"), network)


def test_missing_and_unexpected_names_are_listed(network: Ritm, tmp_path: Path) -> None:
    state = dict(network.state_dict())
    del state["feature_extractor.cls_head.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["maps_transform.3.scale"] = torch.zeros(2)
    path = tmp_path / "odd.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"odd\.pth does not fit Ritm") as caught:
        load_click_network(path, NAME)
    text = str(caught.value)
    assert "1 missing: feature_extractor.cls_head.bias" in text
    assert "1 unexpected: extra.weight" in text
    assert "1 other shape: maps_transform.3.scale (2,), expected (1,)" in text


def test_long_lists_are_cut_short() -> None:
    with pytest.raises(ValueError, match=r"929 missing: .* and 921 more"):
        load_strictly(build(NAME), {}, source="nothing")


def test_a_file_for_another_architecture_says_for_which(published: Path) -> None:
    with pytest.raises(
        ValueError, match=r"wrong architecture: this file is for hrnet18s-ocr, not light-clicks"
    ):
        load_click_network(published, "light-clicks")
    with pytest.raises(ValueError, match="wrong architecture: this file is for hrnet18s-ocr"):
        load_into(build("light-clicks"), published)


def test_a_file_of_no_click_network(tmp_path: Path) -> None:
    save_file({"encoder.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors: its 1 tensors .* begins with encoder\.weight"):
        load_click_network(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"1 unexpected: encoder\.weight"):
        load_click_network(tmp_path / "other.safetensors", NAME)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.98])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_truncated_files(network: Ritm, published: Path, tmp_path: Path, suffix: str, share: float) -> None:
    whole = published
    if suffix == ".safetensors":
        whole = tmp_path / "whole.safetensors"
        save_weights(whole, network.state_dict(), metadata={})
    content = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=rf"cut\{suffix}: (truncated|not a complete|not a file)"):
        load_click_network(cut)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("touched"),))


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, "evil.pth")
    refused = r"evil\.pth: not a file of plain tensors, refused: it holds \w+"
    with pytest.raises(ValueError, match=refused) as error:
        load_click_network("evil.pth")
    assert "torch.load" not in str(error.value)
    Path("pickle.pth").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match=r"pickle\.pth"):
        load_click_network("pickle.pth")
    assert not Path("touched").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a dictionary of tensors, got list"),
        ({"state_dict": {}}, "the state dict is empty"),
        ({"weight": 3}, "1 not tensors: weight"),
    ],
)
def test_other_contents(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path / "file.pth")
    with pytest.raises(FileNotFoundError, match=r"no weight file at .*absent\.pth"):
        read_weights(tmp_path / "absent.pth")


def test_what_a_config_may_hold() -> None:
    config = json.loads(CONFIG.read_text())
    config["params"]["new_default"] = {"type": "builtin", "value": 1, "specified": False}
    assert from_config(config, source="file").norm_radius == 5
    config["params"]["new_default"]["specified"] = True
    with pytest.raises(ValueError, match="file: unknown network parameter new_default = 1"):
        from_config(config, source="file")
    del config["params"]["new_default"]
    config["params"]["clicks_groups"]["value"] = [1, 2]
    with pytest.raises(ValueError, match="clicks_groups"):
        from_config(config, source="file")
    with pytest.raises(ValueError, match="describes a DeeplabModel, expected HRNetModel"):
        from_config({"class": "isegm.model.DeeplabModel", "params": {}}, source="file")


def test_settings_without_tensors_survive_conversion(network: Ritm, tmp_path: Path) -> None:
    config = json.loads(CONFIG.read_text())
    config["params"]["norm_radius"]["value"] = 7
    torch.save({"state_dict": network.state_dict(), "config": config}, tmp_path / "a.pth")
    assert convert(tmp_path / "a.pth", tmp_path / "a.safetensors") == NAME
    loaded = load_click_network(tmp_path / "a.safetensors", NAME)
    assert same(loaded, network)
    assert loaded.norm_radius == 7
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        metadata = file.metadata()
    assert metadata["architecture"] == NAME
    assert metadata["source"] == "a.pth"
    with pytest.raises(ValueError, match=r"written as \.safetensors"):
        convert(tmp_path / "a.pth", tmp_path / "b.pth")


@pytest.mark.parametrize(
    ("name", "extra", "found"),
    [
        ("mivos-fusion", {}, "mivos-fusion"),
        ("light-propagation", {}, "light-propagation"),
        ("light-interaction", {}, "light-interaction"),
        ("aotl", {"LSTT.mask_token": torch.zeros(1, 1, 256)}, "aotb or aotl"),
    ],
)
def test_networks_of_every_family_are_converted(tmp_path: Path, name, extra, found) -> None:
    state = build_any(name).state_dict()
    torch.save({f"module.{key}": value for key, value in {**state, **extra}.items()}, tmp_path / "a.pth")
    assert convert(tmp_path / "a.pth", tmp_path / "a.safetensors") == found
    file = read_weights(tmp_path / "a.safetensors")
    assert file.metadata["architecture"] == found
    assert list(file.state) == sorted(state)
    assert all(torch.equal(file.state[key], value) for key, value in state.items())
    assert convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors", name) == name
    with pytest.raises(ValueError, match=f"wrong architecture: this file is for {found}, not mivos-s2m"):
        convert(tmp_path / "a.pth", tmp_path / "c.safetensors", "mivos-s2m")


def test_a_file_of_no_known_network_is_not_converted(tmp_path: Path) -> None:
    torch.save({"x.weight": torch.zeros(3)}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth: its 1 tensors .* no known network .* with x\.weight"):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")


def test_every_architecture_is_recognised_by_its_tensors() -> None:
    for name in ARCHITECTURES:
        with torch.device("meta"):
            assert identify(build(name).state_dict()) == name
    assert identify({}) is None
    with pytest.raises(ValueError, match="no architecture 'resnet'; there are hrnet18s-ocr"):
        build("resnet")


def test_fused_loading_gives_the_same_answer(network: Ritm, published: Path) -> None:
    image, points = torch.rand(1, 4, 40, 50), torch.tensor([[[9.0, 9, 0], [-1, -1, -1]]])
    fused = load_click_network(published, fuse=True)
    assert torch.allclose(fused(image, points).instances, network(image, points).instances, atol=1e-5)


def test_the_registry() -> None:
    assert find_record("ritm-h18s").file_name == "coco_lvis_h18s_itermask.pth"
    assert len({record.name for record in RECORDS}) == len(RECORDS)
    ritm = [record for record in RECORDS if record.name.startswith("ritm")]
    assert all(record.url.endswith(record.file_name) for record in ritm)
    assert {record.architecture for record in ritm} <= set(ARCHITECTURES)
    with pytest.raises(ValueError, match="no weights called 'x'; there are ritm-h18s"):
        find_record("x")
