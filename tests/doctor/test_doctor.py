import re
import shlex
from dataclasses import replace

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import civos_siaf
from civos_siaf.cli import commands
from civos_siaf.doctor import examine, machine, report, search
from civos_siaf.doctor.text import CLICKS
from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights import locate
from civos_siaf.weights.manifest import manifest
from civos_siaf.weights.save import build, save_weights
from tests.data.layouts import write_davis, write_lvis, write_youtubevos


def section(text, title):
    return next(part for part in text.split("\n\n") if part.startswith(title + "\n"))


def zeros(architecture):
    with torch.device("meta"):
        state = build(architecture).state_dict()
    return {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in state.items()}


def test_a_newcomer_sees_what_works_and_what_to_fetch(place):
    found = examine()
    text = report(found)
    assert found.ready("civos_light")
    assert found.ready("siaf_light")
    assert not found.ready("civos")
    assert found.ready("mivos_light")
    assert not found.ready("mivos_clicks")
    assert "click_strategy=f3" in section(text, "You can run now")
    assert "method=civos " not in section(text, "You can run now")
    more = section(text, "When you want more")
    assert "ritm-h18s mivos-propagation mivos-fusion" in more
    assert "https://davischallenge.org" in more
    assert "experiment=siaf_r50" in more
    assert "non-commercial use only" in text
    assert "\nTo do\n" not in text
    assert "Traceback" not in text


def test_published_weights_make_a_method_ready_with_its_options(place, davis):
    weights = place / "my files"
    weights.mkdir()
    for name in ("ritm-h18s", "mivos-propagation", "mivos-fusion"):
        record = manifest().published[name]
        target = (weights / record.file_name).with_suffix(".safetensors")
        save_weights(target, zeros(record.architecture), metadata={})
    root = davis()
    found = examine([weights], [place / "sets"])
    assert found.ready("civos")
    assert found.data["davis2017"] == search.Found(root, None, "val")
    now = section(report(found), "You can run now").splitlines()
    line = now[now.index("  evaluate civos") + 1]
    options = shlex.split(line)[1:]
    options = options[1:] if options[0].endswith(".py") else options
    with initialize_config_dir(str(resource_folder("configs")), version_base="1.3"):
        cfg = compose("eval_davis", options)
    assert cfg.method.network.weights == str(weights / "propagation_model.safetensors")
    assert cfg.dataset.root == str(root)
    assert cfg.click_strategy == "f3"


def test_a_damaged_file_is_said_to_be_so_with_the_way_out(place):
    path = place / "fusion.pth"
    path.write_bytes(b"<html>quota exceeded</html>")
    (place / "fusion.pth.sha256").write_text("of the page  fusion.pth")
    found = examine([place])
    assert found.weights["mivos-fusion"].path == path
    assert "cut off: 27 bytes" in str(found.weights["mivos-fusion"].problem)
    todo = section(report(found), "To do")
    assert f"rm {path} {path}.sha256\n" in todo
    assert f"mivos-fusion --folder {place}" in todo


@pytest.mark.parametrize("given", ["sets", "sets/davis2016"])
def test_davis_is_found_by_its_folder_or_the_one_above(place, davis, given):
    root = davis("mine", year=2016, name="davis2016")
    found = examine(data=[place / given])
    assert found.data["davis2016"] == search.Found(root, None, "mine")
    assert "dataset=davis2016" in (now := section(report(found), "You can run now"))
    assert "dataset.split=mine" in now
    assert found.data["davis2017"].path is None


def test_a_data_set_with_a_hole_is_not_usable(place, davis):
    root = davis()
    (root / "Annotations" / "480p" / "car" / "00001.png").unlink()
    found = examine(data=[place / "sets"])
    assert not found.data["davis2017"].usable
    assert "check_data" in section(report(found), "To do") or "check-data" in report(found)


def test_a_data_set_in_part_names_what_it_lacks(place):
    (place / "youtubevos" / "train" / "JPEGImages").mkdir(parents=True)
    state = examine(data=[place]).data["youtubevos"]
    assert state.problem == "no train/Annotations, no train/meta.json"


def trained(place, stage, content):
    path = place / "outputs" / "train" / "siaf_r50" / stage / "weights.safetensors"
    save_weights(path, content, metadata={})
    return path


def test_a_training_counts_with_the_weights_of_its_last_stage(place):
    trained(place, "lvis", zeros("afi-r50"))
    trained(place, "ytb", zeros("afi-r50"))
    found = examine()
    assert found.missing_for("siaf_r50") == ["r50-aotl", "siaf_r50"]
    assert "trained here" not in report(found)
    path = trained(place, "davis", zeros("afi-r50"))
    found = examine()
    assert found.missing_for("siaf_r50") == ["r50-aotl"]
    assert found.missing_for("siaf_swinb") == ["swinb-aotl", "siaf_swinb"]
    relative = path.relative_to(place)
    assert f"trained here: {relative}" in report(found)
    assert "method.interaction.weights=outputs" not in report(found)  # it is found there


def test_weights_of_a_training_that_cannot_be_read_do_not_count(place):
    path = trained(place, "davis", {"x": torch.zeros(1)})
    for content in (path.read_bytes(), b""):  # of another network; empty
        path.write_bytes(content)
        found = examine()
        assert found.missing_for("siaf_r50") == ["r50-aotl", "siaf_r50"]
        text = report(found)
        assert "not usable: " in text
        assert "experiment=siaf_r50 data_root=FOLDER" in text
        assert "method.interaction.weights" not in text  # a training leaves them where they are found


def test_without_the_light_weights_they_are_asked_for(place, machine_like):
    found = examine()
    found = replace(found, machine=machine_like, weights={name: search.Found() for name in found.weights})
    text = report(found)
    assert "0 of 8 included files are valid" in section(text, "Weights")
    assert "light_clicks.safetensors should be here" in section(text, "To do")
    assert "You can run now" not in text
    assert "av (not installed)" in section(text, "Machine")
    assert "memory" not in section(text, "Machine")


def test_tables_are_listed_where_they_can_be_run(place, monkeypatch):
    monkeypatch.setattr("civos_siaf.doctor.text.commands", lambda: {"reproduce": None})
    text = section(report(examine()), "Tables of the papers")
    assert "civos_2             as published needs method civos, davis2017" in text
    assert "siaf_4              can be run as published" in text


def test_usual_places_are_looked_into_once(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(locate.VARIABLE, str(tmp_path / "checkpoints"))
    monkeypatch.setenv(search.DAVIS_VARIABLE, "/sets/DAVIS")
    assert locate.weight_folders() == [tmp_path / "checkpoints", resource_folder("checkpoints")]
    assert list(map(str, search.data_folders([]))) == ["/sets/DAVIS", "data", "/data"]


def test_the_machine_is_looked_at(tmp_path):
    found = machine.look(tmp_path)
    assert found.versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found.versions["civos-siaf"] == civos_siaf.__version__
    assert found.cores >= 1
    assert found.disk > 0
    assert found.memory is None or 0 < found.memory[0] <= found.memory[1]


def test_a_gpu_that_refuses_is_said_to_do_so(monkeypatch, tmp_path):
    def memory(index):
        if index == 1:
            raise RuntimeError("CUDA error: device is busy or unavailable\nCompile with DSA")
        return 2**30, 4 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "H200")
    monkeypatch.setattr(torch.cuda, "mem_get_info", memory)
    assert machine.look(tmp_path).accelerators[:2] == (
        "cuda:0 H200, 1.0 of 4.0 GiB free",
        "cuda:1 cannot be used now: CUDA error: device is busy or unavailable",
    )


def test_commands_are_written_as_one_would_call_them(monkeypatch, tmp_path):
    monkeypatch.chdir(resource_folder("scripts").parent)
    assert commands.written("eval_davis") == "python scripts/eval_davis.py"
    monkeypatch.chdir(tmp_path)
    assert commands.written("eval_davis") == f"python {resource_folder('scripts') / 'eval_davis.py'}"
    monkeypatch.setattr(commands, "PACKAGE", resource_folder("scripts").parent)
    assert commands.written("eval_davis") == "civos-siaf eval"
    assert commands.written("download_weights") == "civos-siaf download-weights"


def test_methods_are_evaluated_from_what_they_take():
    """From clicks where a configuration has a click network and nothing for strokes."""
    with initialize_config_dir(str(resource_folder("configs")), version_base="1.3"):
        for name in manifest().methods:
            method = OmegaConf.to_yaml(compose("eval_davis", [f"method={name}", "out=x"]).method)
            takes_clicks = re.search(r"methods\.peers|[^.]\bclicks:\n  _target_|ClickPredictor", method)
            siaf = "civos_siaf.methods.SIAF" in method
            if name != "nearest_colour":
                assert (name in CLICKS) == (takes_clicks is not None and not siaf), name


def test_trainings_are_given_the_data_that_are_here(place):
    sets = place / "sets"

    def given():
        found = examine([], [path for path in (sets, sets / "YouTube-VOS") if path.is_dir()])
        more = section(report(found), "When you want more")
        (line,) = [line for line in more.splitlines() if "experiment=siaf_swinb" in line]
        return shlex.split(line.partition("experiment=siaf_swinb ")[2])

    write_lvis(sets / "lvis")
    write_youtubevos(sets / "YouTube-VOS")
    youtubevos = f"data_root.youtubevos={sets / 'YouTube-VOS'}"
    assert given() == [f"data_root.lvis={sets / 'lvis'}", youtubevos, "data_root.davis2017=FOLDER"]
    (sets / "YouTube-VOS").rename(sets / "youtubevos")
    write_davis(sets / "davis2017", split="val")
    assert given() == [f"data_root={sets}"]
