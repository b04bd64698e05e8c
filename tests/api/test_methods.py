"""Methods by name: the same objects as the scripts', with any value changed."""

import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from torch import nn

import civos_siaf as cs
from civos_siaf.api.methods import method_config
from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights.manifest import RECORDS

CONFIGS = str(resource_folder("configs"))


def plain(value):
    """Settings and weights of a method as plain values."""
    if isinstance(value, nn.Module):
        return type(value).__name__, {name: x.sum().item() for name, x in value.state_dict().items()}
    if isinstance(value, torch.Tensor | int | float | str | bool | None | type | torch.device):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if is_dataclass(value):
        return type(value).__name__, repr(value)
    return type(value).__name__, {name: plain(item) for name, item in vars(value).items()}


@pytest.mark.parametrize("name", ["siaf_light", "civos_light", "mivos_light", "nearest_colour"])
def test_a_method_is_that_of_the_configuration(name):
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        configured = instantiate(compose("eval_davis", overrides=[f"method={name}"]).method)
    assert plain(cs.load_method(name, device="cpu")) == plain(configured)


def test_any_value_of_the_file_can_be_given():
    method = cs.load_method("nearest_colour", reach=7.0)
    assert method.reach == 7.0
    config = method_config(
        "civos_light", settings={"top_k": 20}, **{"settings.mem_every": 3, "taken": "last"}
    )
    assert (config.settings.top_k, config.settings.mem_every, config.settings.max_memory_frames) == (
        20,
        3,
        24,
    )
    assert config.taken == "last"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "siaf_lihgt"}, r"no method 'siaf_lihgt'; did you mean 'siaf_light'\? There are civos, "),
        ({"name": "nearest_colour", "reech": 1}, "no option 'reech'; there are reach, place_weight"),
        ({"name": "civos_light", "settings": {"topk": 1}}, "no option 'topk'; there are mem_every"),
        (
            {"name": "civos_light", "settings.topk": 1},
            "no option 'settings.topk'; there are ",
        ),
        (
            {"name": "civos_light", "weights": {"netwrk": "x"}},
            r"no option 'netwrk.weights'; there are ",
        ),
        ({"name": "siaf_light", "device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_a_mistake_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        cs.load_method(**options)


def test_weights_are_looked_for_where_one_says(tmp_path):
    record = next(r for r in RECORDS if r.name == "mivos-propagation")
    (tmp_path / record.file_name).write_bytes(b"")
    config = method_config("mivos", weights=tmp_path)
    assert config.network.weights == str(tmp_path / record.file_name)
    assert config.fusion.weights.name == "mivos-fusion"  # not there: the call says how to get it
    config = method_config("mivos", weights={"network": tmp_path / "x.pth", "interaction.network": None})
    assert config.network.weights == str(tmp_path / "x.pth")
    assert config.interaction.network.weights is None


def test_hydra_is_left_as_it_was():
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        before = GlobalHydra.instance().hydra
        cs.load_method("nearest_colour")
        assert GlobalHydra.instance().hydra is before
        assert compose("eval_davis").method
    assert not GlobalHydra.instance().is_initialized()
    cs.load_method("nearest_colour")
    assert not GlobalHydra.instance().is_initialized()


def test_importing_the_package_loads_nothing():
    code = (
        "import sys, civos_siaf; assert not {'numpy', 'torch', 'hydra'} & set(sys.modules); "
        "assert 'segment' in dir(civos_siaf); civos_siaf.Click; assert 'torch' not in sys.modules"
    )
    root = Path(cs.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr


def test_every_name_is_there():
    for name in cs.__all__:
        assert getattr(cs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'segmnt'"):
        cs.segmnt  # noqa: B018
