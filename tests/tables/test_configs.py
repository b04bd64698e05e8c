import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf.speed.siaf import NETWORKS
from civos_siaf.speed.siaf_report import PAPER
from civos_siaf.tables import CannotRunError, table
from civos_siaf.weights.locate import VARIABLE, published_weights
from civos_siaf.weights.manifest import RECORDS
from tests.scripts.conftest import ROOT
from tests.tables.conftest import RUN

NAMES = ["civos_1", "civos_2", "siaf_1", "siaf_2", "siaf_3", "siaf_4", "siaf_5", "siaf_6", "siaf_fig6"]
NAMES += ["next_frame"]
FIGURES = {"civos_1": 18, "civos_2": 15, "siaf_1": 22, "siaf_2": 4, "siaf_3": 12, "siaf_4": 8, "siaf_5": 16}
FIGURES |= {"siaf_6": 20, "siaf_fig6": 12, "next_frame": 18 * 9}
RUNS = {
    "civos_1": 3,
    "civos_2": 15,
    "siaf_1": 9,
    "siaf_2": 4,
    "siaf_3": 6,
    "siaf_4": 1,
    "siaf_5": 1,
    "siaf_6": 1,
}
RUNS |= {"siaf_fig6": 2, "next_frame": 14}


@pytest.fixture(scope="module", autouse=True)
def configs():
    with initialize_config_dir(config_dir=str(ROOT / "configs"), version_base="1.3"):
        yield


def composed(name, models="light", *options):
    return compose("reproduce", overrides=[f"table={name}", f"models={models}", "out=x", *options])


def test_there_is_a_file_per_table():
    files = sorted(path.stem for path in (ROOT / "configs" / "table").glob("*.yaml"))
    assert files == sorted([*NAMES, "peers", "peers_speed", "scribble_noise"])


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_complete(name):
    cfg = composed(name)
    found, light = instantiate(cfg.table), instantiate(cfg.models)
    assert found.name == name
    assert found.source.startswith(("CiVOS, Table", "SIAF, Table", "SIAF, Fig.", "IVOS-W, published"))
    assert found.notes
    assert found.trends
    assert sum(cell.published is not None for _, _, cell in found.cells) == FIGURES[name]
    assert len(found.runs) == RUNS[name]
    published = instantiate(
        compose("reproduce", overrides=[f"table={name}", "models=published", "out=x"]).models
    )
    for run in found.runs:
        assert {run.role} <= light.roles.keys() & published.roles.keys()
    for models in (light, published):
        for role in models.roles.values():
            assert (ROOT / "configs" / "method" / f"{role.method}.yaml").is_file()
            assert role.network in (None, *NETWORKS)
            for weights in role.files.values():
                assert weights in models.unpublished or weights in {record.name for record in RECORDS}


@pytest.mark.parametrize("name", ["siaf_4", "siaf_5", "siaf_6"])
def test_published_costs_are_those_known_elsewhere(name):
    found = instantiate(composed(name).table)
    for _, _, cell in found.cells:
        milliseconds, megabytes = PAPER[f"Table {cell.run['paper_table']}", cell.measure.case]
        assert cell.published == (milliseconds if cell.measure.metric == "milliseconds" else megabytes)


def test_published_scores():
    """The figures that the papers' texts repeat, and equal cells of different tables."""
    civos, one, two, three = (
        instantiate(composed(f).table) for f in ("civos_2", "siaf_1", "siaf_2", "siaf_3")
    )
    published = {(row.key, column): cell.published for row, column, cell in civos.cells}
    assert max(published.values(), key=lambda v: v or 0) == published["f3", "3"] == 0.78
    first = {(row.key, column): cell.published for row, column, cell in one.cells}
    assert first["swinb_y_3", "r = 3"] == two.rows[-1].cells[0].published == 89.6
    for key, f in (("y_1", "f = 1"), ("y_3", "f = 3")):
        row = next(row for row in three.rows if row.key == f)
        assert [cell.published for cell in row.cells] == [
            first[f"{net}_{key}", r] for net in ("r50", "swinb") for r in ("r = 1", "r = 3")
        ]


@pytest.mark.parametrize(("name", "models"), [("siaf_2", "light"), ("siaf_1", "light"), ("civos_1", "light")])
def test_options_are_those_of_the_evaluation(name, models):
    cfg = composed(name, models)
    found = instantiate(cfg.models)
    for run in instantiate(cfg.table).runs:
        role = found.roles[run.role]
        options = [f"method={role.method}", *role.overrides, *run.command, "out=x"]
        settings = compose("eval_davis", overrides=options)
        assert settings.dataset.num_first_scribbles == run["first_scribbles"] >= run["frames_per_round"]
        assert settings.rules.max_rounds == run["rounds"]
        assert settings.rules.time_limit.seconds_per_object == 240
        assert settings.clicks.name == run["click_strategy"]
        for option in run.overrides:
            key, value = option.split("=")
            node = settings
            for part in key.split("."):
                node = node[part]
            assert str(node).lower() == value.replace("null", "none")


def test_published_areas_are_those_of_the_published_curves():
    """IVOS-W's AUC follows from the values after each round, up to the rounding of the figures."""
    rows = [row for row in instantiate(composed("next_frame").table).rows if row.curve]
    assert len(rows) == 18
    for row in rows:
        area, *values = (cell.published for cell in row.cells)
        assert row.curve == tuple(values)
        assert area == pytest.approx((sum(values[:-1]) + values[-1] / 2) / 8, abs=0.011)
    civos = {row.key: row.curve for row in instantiate(composed("civos_1").table).rows}
    worst = {row.key: row.curve for row in rows}
    for system in ("manet", "atnet"):
        assert civos[system] == pytest.approx(np.array(worst[f"{system}_oracle_worst"]) / 100, abs=1e-4)


def test_choices_of_the_next_frame_are_those_there_are():
    runs = instantiate(composed("next_frame").table).runs
    found = {}
    for run in runs:
        settings = compose("eval_davis", overrides=[*run.command, "out=x"])
        assert settings.rules.time_limit is None
        found.setdefault(run.get("next_frame"), settings.next_frame["_target_"].rpartition(".")[2])
    assert found == {
        None: "WorstFrame",  # the usual choice is not named, so that runs of other tables are shared
        "agent_oracle": "AgentFrame",
        "method": "MethodSuggestion",
        "even": "EvenFrames",
        "random": "RandomFrame",
        "worst_wild": "WorstFrame",
        "agent": "AgentFrame",
    }
    files = {path.stem for path in (ROOT / "configs" / "next_frame").glob("*.yaml")}
    assert files == {name or "worst" for name in found}


def test_fewer_rounds_by_option():
    assert {run["rounds"] for run in instantiate(composed("civos_2", "light", "rounds=3").table).runs} == {3}


def test_missing_weights_are_named(tmp_path):
    cfg = composed("civos_1", "published", f"weights_folder={tmp_path}")
    found, models = instantiate(cfg.table), instantiate(cfg.models)
    by_role = {run.role: run for run in found.runs}
    with pytest.raises(CannotRunError) as error:
        models.choose(by_role["civos"])
    for text in (
        "coco_lvis_h18s_itermask.pth",
        "propagation_model.pth",
        "download_weights.py ritm-h18s",
        "(licence MIT)",
        "https://github.com/hkchengrex/MiVOS",
        "+weights.mivos-fusion=FILE",
        f"(looked into {tmp_path}, ",
    ):
        assert text in str(error.value)
    with pytest.raises(CannotRunError, match=r"no fbrs\.pth: .*download_weights\.py mivos-fbrs.*MPL-2\.0"):
        models.choose(by_role["mivos_clicks"])
    siaf = instantiate(composed("siaf_3", "published", f"weights_folder={tmp_path}").table).runs[0]
    with pytest.raises(CannotRunError, match=r"siaf_r50_y\.safetensors: nobody has published it; train it"):
        models.choose(siaf)
    mine = instantiate(composed("civos_1", "mine").models)
    with pytest.raises(CannotRunError, match=r"no method for civos .* \+models\.roles\.civos\.method=NAME"):
        mine.choose(by_role["civos"])


def test_weights_that_are_there_are_used(tmp_path):
    for name in ("coco_lvis_h18s_itermask.pth", "propagation_model.pth", "fusion.pth"):
        (tmp_path / name).write_bytes(name.encode())
    elsewhere = tmp_path / "other, file.pth"
    elsewhere.write_bytes(b"x")
    options = (f"weights_folder={tmp_path}", f"+weights.mivos-fusion='{elsewhere}'")
    cfg = composed("civos_1", "published", *options)
    run = next(run for run in instantiate(cfg.table).runs if run.role == "civos")
    choice = instantiate(cfg.models).choose(run)
    assert f"method.fusion.weights='{elsewhere}'" in choice.options
    settings = compose("eval_davis", overrides=[*choice.options, "out=x"])
    assert settings.method.fusion.weights == str(elsewhere)
    assert settings.method.clicks.network.weights == str(tmp_path / "coco_lvis_h18s_itermask.pth")
    assert len(set(choice.weights.values())) == 3


def test_weights_are_found_where_methods_find_them(tmp_path, monkeypatch):
    """In the folder of the environment, and as safetensors."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for name in ("coco_lvis_h18s_itermask.safetensors", "propagation_model.pth", "fusion.pth"):
        (tmp_path / name).write_bytes(name.encode())
    cfg = composed("civos_1", "published")
    run = next(run for run in instantiate(cfg.table).runs if run.role == "civos")
    choice = instantiate(cfg.models).choose(run)
    found = published_weights("ritm-h18s")
    assert found == tmp_path / "coco_lvis_h18s_itermask.safetensors"
    assert f"method.clicks.network.weights='{found}'" in choice.options


ROW = {"key": "a", "labels": ["a"], "published": [1.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": {**RUN, "role": None}}, "row a: no role"),
        ({"run": {**RUN, "metric": "speed"}}, "metric must be one of r_auc, auc, at_60s, .*, got 'speed'"),
        ({"run": {**RUN, "kind": "x"}}, "kind must be one of"),
        ({"run": {**RUN, "metric": "auc", "max_clicks": 1, "colour": 1}}, "unknown for evaluation: colour"),
        ({"run": {**RUN, "metric": "auc"}}, "missing or unknown for evaluation: max_clicks"),
        ({"run": {**RUN, "metric": "auc", "max_clicks": 1, "after": 1}}, "for at_60s and after_round only"),
        ({"rows": [ROW, ROW]}, "two rows with the same key"),
        ({"rows": [{**ROW, "published": [1.0, 2.0]}]}, "row a: needs 1 figures and 1 labels"),
        ({"rows": [{**ROW, "colour": 1}]}, "row a: unknown colour"),
        ({"rows": [ROW], "groups": [["x", 2]]}, "the groups do not span the 1 columns"),
        ({"rows": [ROW], "column_runs": []}, "0 column_runs for 1 columns"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused(change, message):
    given = {"name": "t", "title": "t", "source": "s", "unit": "u", "labels": ["l"], "columns": ["c"]}
    if "rows" in change:
        change = {**change, "rows": [{**row, "run": None} for row in change["rows"]]}
    with pytest.raises(ValueError, match=message):
        table(**{**given, "rows": [ROW], **change})


@pytest.mark.parametrize("name", ["civos_1", "siaf_1"])
def test_mivos_propagates_after_every_round_where_tables_count_rounds(name):
    cfg = composed(name, "published")
    roles = instantiate(cfg.models).roles
    (run,) = (run for run in instantiate(cfg.table).runs if run.role == "mivos")
    method = compose(
        "eval_davis", overrides=["out=x", f"method={roles['mivos'].method}", *run.command]
    ).method
    assert method.propagate_after is None


def test_the_ablation_has_weights_of_its_own():
    """The baseline is trained without attention; the others are not."""
    cfg = composed("siaf_2", "published")
    roles = instantiate(cfg.models).roles
    found = {row.key: roles[cell.run.role].files["method.interaction.weights"] for row, _, cell in
             instantiate(cfg.table).cells}  # fmt: skip
    assert found["baseline"] == "siaf-swinb-no-afa"
    assert found["across"] == "siaf-swinb-lvis"


@pytest.mark.parametrize("models", ["light", "published"])
def test_every_system_propagates_in_the_round_that_is_timed(models):
    cfg = composed("siaf_fig6", models, "weights_folder=nowhere")
    chosen, runs = instantiate(cfg.models), instantiate(cfg.table).runs
    assert len(runs) == 2
    for run in runs:
        method = compose("eval_davis", overrides=["out=x", *chosen.choose(run).options]).method
        assert method.get("propagate_after") is None, run
