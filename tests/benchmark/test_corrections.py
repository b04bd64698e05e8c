import math

import pandas as pd
import pytest

from civos_siaf.benchmark import summarise
from civos_siaf.benchmark.corrections import annotated_scores, not_improved
from civos_siaf.benchmark.report import COLUMNS, ORIGINAL_COLUMNS
from civos_siaf.benchmark.samples import all_samples
from civos_siaf.benchmark.table import SequenceInfo


def table(*rounds):
    """Rows from (sequence, round, annotated frames, J&F by object and frame)."""
    rows = [
        ("s", name, "1", number, k + 1, frame, value, value, value, 1.0, 2, 1, annotated)
        for name, number, annotated, objects in rounds
        for k, values in enumerate(objects)
        for frame, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_annotated_frames_are_averaged_per_object_and_round():
    report = table(
        ("alpha", 1, "0 2", [(0.8, 0.1, 0.6, 0.1), (0.4, 0.1, 0.2, 0.1)]),
        ("alpha", 2, "1", [(0.8, 0.9, 0.6, 0.1), (0.4, 0.5, 0.2, 0.1)]),
        ("beta", 1, "3", [(0.0, 0.0, 0.0, 0.9)]),
    )
    assert annotated_scores(report, 3)[:2] == pytest.approx(((0.7 + 0.3 + 0.9) / 3, 0.7))
    assert math.isnan(annotated_scores(report, 3)[2])


def test_samples_that_a_round_did_not_raise_are_counted():
    report = table(
        ("alpha", 1, "0", [(0.5, 0.5)]),
        ("alpha", 2, "1", [(0.5, 0.5)]),
        ("alpha", 3, "", [(0.5, 0.5)]),
        ("beta", 1, "0", [(0.0, 0.0)]),
        ("beta", 2, "1", [(0.0, 0.2)]),
        ("beta", 3, "0", [(0.2, 0.1)]),
    )
    shares = not_improved(report, 4)
    assert shares[:3] == (0.5, 0.5, 0.0), "without prompts a round has nothing to improve"
    assert math.isnan(shares[3])


def test_a_report_of_the_original_toolkit_does_not_say():
    report = table(("alpha", 1, "0", [(0.5, 0.5)]))[list(ORIGINAL_COLUMNS)]
    summary = summarise(report, all_samples([SequenceInfo("alpha", 2, 4, 4, 1, 1)]))
    assert (summary.annotated, summary.not_improved) == ((), ())
