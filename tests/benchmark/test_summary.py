import pandas as pd
import pytest

from civos_siaf.benchmark import Curve, TimeLimit, summarise
from civos_siaf.benchmark.report import COLUMNS
from civos_siaf.benchmark.samples import all_samples
from civos_siaf.benchmark.table import SequenceInfo

ALPHA, BETA = SequenceInfo("alpha", 2, 4, 4, 2, 1), SequenceInfo("beta", 2, 4, 4, 1, 1)
SAMPLES = all_samples([ALPHA, BETA])


def table(*rounds):
    """Rows from (sequence, round, value per object, seconds)."""
    rows = [
        ("s", name, "1", r, k + 1, frame, value, value / 2, 0.75 * value, seconds, 2, 1, "0")
        for name, r, values, seconds in rounds
        for frame in range(2)
        for k, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_every_object_weighs_the_same_and_every_sample_counts_once_in_time():
    report = table(("alpha", 1, (0.2, 0.4), 3.0), ("beta", 1, (0.9,), 5.0))
    summary = summarise(report, SAMPLES, metric="J", max_rounds=1)
    assert summary.curves["J"].values == pytest.approx((0, 0.5, 0.5))
    assert summary.curves["F"].values == pytest.approx((0, 0.25, 0.25))
    assert summary.curves["J"].seconds == pytest.approx((0, 4, 5))
    assert summary.auc == pytest.approx((0.5 * 4 / 2 + 0.5) / 5)
    assert summary.r_auc == pytest.approx((0.25 + 0.5) / 2)
    assert summary.per_sequence == {"alpha": pytest.approx((0.225,)), "beta": pytest.approx((0.675,))}
    assert (summary.clicks, summary.strokes) == ((2,), (1,))


def test_a_sample_that_stops_keeps_its_scores_and_one_never_played_counts_nothing():
    report = table(("alpha", 1, (0.2, 0.4), 3.0))
    summary = summarise(report, SAMPLES, metric="J", max_rounds=3)
    assert summary.curves["J"].values[1:] == pytest.approx((0.2,) * 4)
    assert summary.round_seconds == (1.5, 0, 0)


def test_an_incomplete_round_takes_the_values_before():
    report = table(("alpha", 1, (0.2, 0.4), 3.0), ("alpha", 2, (0.9,), 3.0), ("beta", 1, (0.9,), 5.0))
    summary = summarise(report, SAMPLES, metric="J", max_rounds=2)
    assert summary.curves["J"].values[1:3] == pytest.approx((0.5, 0.5))
    assert summary.round_seconds[1] == 0


def test_the_time_axis_ends_at_the_limit_of_the_mean_sequence():
    report = table(("alpha", 1, (1, 1), 3.0), ("beta", 1, (1,), 5.0))
    ends = {
        limit: summarise(report, SAMPLES, max_rounds=4, time_limit=limit).curves["J"].seconds[-1]
        for limit in (TimeLimit(seconds_per_object=240), TimeLimit(seconds_per_object=30, scope="round"))
    }
    assert list(ends.values()) == [360, 180]


def test_a_perfect_method():
    curve = Curve(seconds=tuple(range(10)), values=(0, *[1.0] * 9))
    assert curve.r_auc == pytest.approx(8.5 / 9)
    assert round(curve.r_auc, 3) == 0.944
    assert curve.r_auc_normalised == pytest.approx(1)
    assert curve.at(0.5) == 0.5
    assert curve.at(1e6) == 1


def test_the_axis_can_be_kept_from_running_backwards():
    report = table(("alpha", 1, (1, 1), 30.0), ("beta", 1, (1,), 30.0))
    limit = TimeLimit(seconds_per_object=10)
    published = summarise(report, SAMPLES, max_rounds=1, time_limit=limit)
    clipped = summarise(report, SAMPLES, max_rounds=1, time_limit=limit, clip_time_axis=True)
    assert published.auc == pytest.approx((15 - 15) / 30)
    assert clipped.curves["J"].seconds == (0, 15, 15)
    assert clipped.curves["J"].auc == pytest.approx(0.5)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        summarise(table(), [])
    with pytest.raises(ValueError, match="got 'IoU'"):
        summarise(table(), SAMPLES, metric="IoU")
