"""A batch is done again when the hash of its method changes, and only then."""

import shutil

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tests.scripts.conftest import ROOT


@pytest.fixture
def method_hash(beside_scripts):
    return beside_scripts("method_hash").method_hash


@pytest.fixture
def configured():
    def configured(method, *overrides):
        return compose("annotate_batch", overrides=[f"method={method}", *overrides]).method

    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        yield configured


METHODS = sorted(path.stem for path in (ROOT / "configs" / "method").glob("*.yaml"))


def test_every_method_has_its_own_hash(method_hash, configured):
    hashes = [method_hash(configured(name)) for name in METHODS]
    assert len(set(hashes)) == len(METHODS) > 5
    assert hashes == [method_hash(configured(name)) for name in METHODS]


def test_a_setting_changes_it(method_hash, configured):
    plain, other = configured("siaf_light"), configured("siaf_light", "method.settings.max_memory_frames=11")
    assert method_hash(plain) != method_hash(other)


def test_what_is_referred_to_counts(method_hash):
    def hashed(above):
        return method_hash(OmegaConf.create({"above": above, "method": {"a": "${above}"}}).method)

    assert hashed(1) != hashed(2)


def test_the_content_of_weights_counts_and_not_their_place(method_hash, configured, tmp_path):
    def hashed(name):
        return method_hash(configured("civos", f"method.network.weights={tmp_path / name}"))

    (tmp_path / "a.pth").write_bytes(b"some weights")
    shutil.copy(tmp_path / "a.pth", tmp_path / "b.pth")
    before = hashed("a.pth")
    assert hashed("b.pth") == before
    assert hashed("missing.pth") != before
    (tmp_path / "a.pth").write_bytes(b"more weights")
    assert hashed("a.pth") not in (before, method_hash(configured("civos")))


@pytest.mark.parametrize("name", ["light_identity", "light_interaction", "light_clicks"])
def test_the_weights_of_the_package_count(method_hash, configured, tmp_path, monkeypatch, name):
    before = method_hash(configured("siaf_light"))
    monkeypatch.setenv("CIVOS_SIAF_CHECKPOINTS", str(tmp_path))
    assert method_hash(configured("siaf_light")) == before  # the folder has none
    (tmp_path / f"{name}.safetensors").write_bytes(b"trained again")
    assert method_hash(configured("siaf_light")) != before


def test_a_long_text_is_no_file(method_hash):
    assert method_hash(OmegaConf.create({"text": "x" * 10_000})) != method_hash(
        OmegaConf.create({"text": "x"})
    )
