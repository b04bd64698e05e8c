"""The papers' tables with the published systems: stand-in weight files of the right names and shapes."""

import csv
import json

import pytest
import torch
from safetensors.torch import save_file

from civos_siaf.networks.afi.variants import VARIANTS
from civos_siaf.weights.manifest import find_record
from tests.data.layouts import write_davis
from tests.scripts.conftest import ROOT

SHAPES = {
    "ritm-h18s": "ritm/hrnet18s-ocr",
    "mivos-s2m": "mivos/s2m",
    "mivos-propagation": "mivos/propagation",
    "mivos-fusion": "mivos/fusion",
    "mivos-fbrs": "fbrs/fbrs",
    "r50-aotl": "aot/r50_aotl",
    "swinb-aotl": "aot/swinb_aotl",
}
"""Names and shapes of the published files, by name of the file."""
CIVOS = ("ritm-h18s", "mivos-s2m", "mivos-propagation", "mivos-fusion", "mivos-fbrs")
SIAF = ("mivos-s2m", "mivos-propagation", "mivos-fusion", "r50-aotl", "swinb-aotl")
TRAINED = {"afi-r50": ("siaf_r50", "siaf_r50_y"),
           "afi-swinb": ("siaf_swinb", "siaf_swinb_y", "siaf_swinb_y_single", "siaf_swinb_lvis")}  # fmt: skip
"""Files of our own trainings, by architecture."""


def stand_in(shapes):
    """Small random values; what counts tensors or divides by them is not negative."""
    numbers = torch.Generator().manual_seed(0)
    state = {name: torch.rand(shape, generator=numbers).mul_(0.02) for name, shape in shapes.items()}
    for name in state:
        if name.endswith("running_var"):
            state[name] += 1
        elif name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
    return state


def write_published(folder, names):
    for name in names:
        shapes = json.loads((ROOT / "tests" / "reference" / f"{SHAPES[name]}_shapes.json").read_text())
        torch.save(stand_in(shapes), folder / find_record(name).file_name)


def write_trained(folder, names, architecture, *, across=True):
    with torch.device("meta"):
        network = VARIANTS[architecture](across=across)
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    save_file(stand_in(shapes), folder / f"{names[0]}.safetensors")
    for name in names[1:]:
        (folder / f"{name}.safetensors").symlink_to(f"{names[0]}.safetensors")


@pytest.mark.parametrize(
    ("table", "rounds", "published", "cells"),
    [("civos_1", 1, CIVOS, 3 * 3), ("siaf_1", 3, SIAF, 9 * 2), ("siaf_2", 3, SIAF[3:], 4)],
)
def test_a_table_runs_to_its_page(script, tmp_path, table, rounds, published, cells):
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    write_published(checkpoints, published)
    if table != "civos_1":
        for architecture, names in TRAINED.items():
            write_trained(checkpoints, names, architecture)
        write_trained(checkpoints, ["siaf_swinb_no_afa"], "afi-swinb", across=False)
    data = write_davis(
        tmp_path / "DAVIS", videos=["one"], num_frames=3, size=(48, 64), num_objects=1, split="val"
    )
    options = ("dataset=davis", f"dataset.root={data}", "dataset.num_first_scribbles=1", "clock=fixed")
    done = script("reproduce.py", f"table={table}", "models=published", f"rounds={rounds}", *options)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "outputs" / "tables" / "published-davis"
    assert done.stdout.startswith((out / f"{table}.md").read_text())
    rows = list(csv.DictReader((out / f"{table}.csv").open()))
    ours = [value for row in rows for key, value in row.items() if key.endswith("ours") and value]
    assert len(ours) == cells, done.stdout
