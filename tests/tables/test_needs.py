"""What the manifest says that methods and tables need is what `models=` and `table=` use."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from civos_siaf.weights.manifest import manifest
from tests.scripts.conftest import ROOT


@pytest.fixture(scope="module", autouse=True)
def configs():
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        yield


def composed(table="civos_1", models="published"):
    return compose("reproduce", overrides=[f"table={table}", f"models={models}", "out=x"])


@pytest.mark.parametrize("models", ["light", "published"])
def test_a_role_needs_what_its_method_does(models):
    found = instantiate(composed(models=models).models)
    for role in found.roles.values():
        check_role(role, found.unpublished)


def check_role(role, unpublished):
    needs = manifest().methods[role.method]
    if role.overrides:  # other networks than those of the method
        assert set(role.own) <= {Path(record.file_name).stem for record in manifest().shipped.values()}
        return
    assert (role.cannot is None) == (needs.untrained is None)
    if role.cannot is not None:
        return
    assert {f"{own}.safetensors" for own in role.own} == {
        manifest().shipped[file].file_name for file in needs.shipped
    }
    published = {option: file for option, file in role.files.items() if file not in unpublished}
    assert published == needs.published
    trained = {option: file for option, file in role.files.items() if file in unpublished}
    assert trained.keys() == needs.trained.keys()


def test_what_nobody_has_published_is_trained_by_the_experiment_of_its_method():
    found = instantiate(composed().models)
    for name, role in found.roles.items():
        for option, file in role.files.items():
            if file not in found.unpublished:
                continue
            experiment = re.search(r"experiment=(\w+)", found.unpublished[file]["how"])[1]
            assert (ROOT / "configs" / "experiment" / f"{experiment}.yaml").is_file()
            if name == role.method:  # the others are variants of it
                assert experiment == manifest().methods[role.method].trained[option]


@pytest.mark.parametrize("name", sorted(manifest().tables))
def test_a_table_needs_the_methods_of_its_scores(name):
    needs, published = manifest().tables[name], instantiate(composed(name).models).roles
    scored = [run for run in instantiate(composed(name).table).runs if run.kind == "evaluation"]
    assert set(needs.methods) == {published[run.role].method for run in scored}
    assert set(needs.data) == ({"davis2017"} if scored else set())


def test_the_manifest_knows_every_table_of_the_papers():
    tables = {path.stem: OmegaConf.load(path) for path in (ROOT / "configs" / "table").glob("*.yaml")}
    ours = {name for name, config in tables.items() if config.get("ours_only", False)}
    assert ours == {"peers", "peers_speed", "scribble_noise"}
    assert manifest().tables.keys() == tables.keys() - ours
