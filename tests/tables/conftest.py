import pytest

from civos_siaf.benchmark import DavisDataset, Evaluation, FixedClock, Rules, click_strategy
from civos_siaf.methods import NearestColour
from civos_siaf.tables import CannotRunError, CellJob, table
from tests.scripts.conftest import script  # noqa: F401

RUN = {
    "role": "toy",
    "click_strategy": "f3",
    "rounds": 2,
    "frames_per_round": 1,
    "seconds_per_object": 240,
    "scope": "sample",
    "first_scribbles": 1,
}
NOBODY, FLAT = {"role": "nobody"}, ["A r_auc", "B"]


@pytest.fixture
def tiny():
    """Two metrics of one run, one of another, a role that nobody has, and a published row."""
    return table(
        name="tiny",
        title="Tiny & small",
        source="Nobody, Table 0",
        unit="100 % made up",
        labels=["Method", "Note"],
        groups=[["A", 2], ["B", 1]],
        columns=["A r_auc", "A 50%_x", "B"],
        run=RUN,
        column_runs=[{"metric": "r_auc", "max_clicks": 1}, {"metric": "auc", "max_clicks": 1},
                     {"metric": "at_60s", "max_clicks": 2, "after": 1, "scale": 100}],
        rows=[
            {"key": "toy", "labels": ["Toy_1", "x†"], "published": [0.5, 0.25, 70.0], "section": "Ours"},
            {"key": "none", "labels": ["Nobody's", ""], "published": [0.1, None, None], "run": NOBODY},
            {"key": "paper", "labels": ["Paper", ""], "published": [0.9, 0.8, None], "run": None},
        ],
        notes=["A note with 50 % & an_underscore."],
        trends=[
            {"text": "toy above paper", "along": "rows", "relation": "rising", "rows": ["paper", "toy"]},
            {"text": "flat", "along": "columns", "relation": "flat", "rows": ["toy"], "columns": FLAT},
        ],
    )  # fmt: skip


@pytest.fixture
def prepare():
    """Plays the toy on the small data set, and counts how often."""
    played = []

    def job(run):
        if run.role != "toy":
            raise CannotRunError(f"no weights for {run.role}; get them at https://example.org")

        def play(folder):
            played.append(run)
            evaluation = Evaluation(
                NearestColour(),
                DavisDataset(sequences=["mini-a"]),
                rules=Rules(max_rounds=run["rounds"]),
                clicks=click_strategy("f3", max_clicks=run["max_clicks"]),
                clock=FixedClock(),
                folder=folder,
            )
            for _ in evaluation.play():
                pass

        return CellJob({"method": "toy", "settings": run.settings}, play)

    job.played = played
    return job
