import json
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights.load import load_strictly, read_weights
from civos_siaf.weights.locate import TRAINED_BY
from civos_siaf.weights.manifest import FILE, RECORDS, WeightRecord, manifest, read_manifest
from civos_siaf.weights.save import build, check_weights, save_weights

FIXTURES = Path(__file__).parents[1] / "reference"
PUBLISHED_LISTS = {
    "ritm-h18s": "ritm/hrnet18s-ocr",
    "ritm-h18": "ritm/hrnet18-ocr",
    "ritm-h32": "ritm/hrnet32-ocr",
    "mivos-propagation": "mivos/propagation",
    "mivos-fusion": "mivos/fusion",
    "mivos-s2m": "mivos/s2m",
}


@pytest.mark.parametrize("name", manifest().shipped)
def test_the_files_that_come_along_are_those_of_the_manifest(name):
    record = manifest().shipped[name]
    path = resource_folder("checkpoints") / record.file_name
    assert path.stat().st_size == record.bytes
    check_weights(path, record)


@pytest.mark.parametrize("record", [*manifest().shipped.values(), *RECORDS], ids=lambda record: record.name)
def test_counts_and_sizes_are_those_of_the_network(record):
    if record.architecture.startswith("cutie"):
        pytest.importorskip("cutie", reason="needs the extra [cutie]")
    with torch.device("meta"):
        state = build(record.architecture).state_dict()
    assert len(state) == record.tensors
    size = sum(value.numel() * value.element_size() for value in state.values())
    if record.url:
        assert size == record.bytes
        assert record.url.startswith("https://")
        assert record.page.startswith("https://")
    else:
        assert size < record.bytes < size + 100_000


@pytest.mark.parametrize("name", PUBLISHED_LISTS)
def test_counts_are_those_of_the_published_lists_of_names(name):
    names = json.loads((FIXTURES / f"{PUBLISHED_LISTS[name]}_shapes.json").read_text())
    assert manifest().published[name].tensors == len(names)


def test_methods_and_tables_name_what_there_is():
    found = manifest()
    assert set(found.methods) == {
        path.stem for path in (resource_folder("configs") / "method").glob("*.yaml")
    }
    experiments = {path.stem for path in (resource_folder("configs") / "experiment").glob("*.yaml")}
    with initialize_config_dir(str(resource_folder("configs")), version_base="1.3"):
        for name, needs in found.methods.items():
            cfg = compose("eval_davis", [f"method={name}"])
            for option, weights in needs.published.items():
                assert OmegaConf.select(cfg, option).name == weights, option
            for option, model in needs.hub.items():
                assert OmegaConf.select(cfg, option).name == model, option
            for option, experiment in needs.trained.items():
                assert TRAINED_BY[OmegaConf.select(cfg, option).name] == experiment, option
            assert set(needs.shipped) <= set(found.shipped)
            assert set(needs.published.values()) <= set(found.published)
            assert set(needs.hub.values()) <= set(found.hub)
            assert set(needs.trained.values()) <= experiments
    for table in found.tables.values():
        assert set(table.methods) <= set(found.methods)
        assert set(table.data) <= set(found.data)


def record(**changes):
    with torch.device("meta"):
        state = build("light-fusion").state_dict()
    size = sum(value.numel() * value.element_size() for value in state.values())
    fields = {"name": "x", "architecture": "light-fusion", "file_name": "x.safetensors", "url": ""}
    fields |= {"page": "", "licence": "", "metric": "", "bytes": size}
    return WeightRecord(**{**fields, **changes})


def test_a_file_that_is_cut_off_changed_or_for_another_network_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match=r"x\.safetensors"):
        check_weights(path, record())
    save_weights(path, build("light-fusion").state_dict(), metadata={})
    check_weights(path, record())
    with pytest.raises(ValueError, match="does not fit"):
        check_weights(path, record(architecture="light-clicks", bytes=None))
    (tmp_path / "x.safetensors.sha256").write_text("00ff  x.safetensors\n")
    with pytest.raises(ValueError, match="changed: sha256"):
        check_weights(path, record())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut off: 1000 bytes of at least"):
        check_weights(path, record())


def test_names_that_no_network_of_aot_needs_are_left_out(tmp_path):
    with torch.device("meta"):
        network = build("aott")
    state = {name: torch.zeros(value.shape) for name, value in network.state_dict().items()}
    path = tmp_path / "x.pth"
    torch.save({"state_dict": {**state, "LSTT.mask_token": torch.zeros(1, 1, 256)}}, path)
    check_weights(path, record(architecture="aott", bytes=None))
    with pytest.raises(ValueError, match="LSTT"):
        load_strictly(network, read_weights(path).state, source="x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nshipped:", "\nshiped:", "no entry 'shipped'"),
        ("    tensors: 395\n", "", "no entry 'tensors'"),
        ("{methods: [civos], data: [davis2017]}", "{methods: [civos], date: [davis2017]}", "date"),
    ],
)
def test_a_manifest_with_a_slip_says_where(tmp_path, old, new, message):
    text = (resource_folder("checkpoints") / FILE).read_text()
    assert old in text
    path = tmp_path / FILE
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        read_manifest(path)
