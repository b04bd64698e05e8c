import io
import json

import numpy as np
import pandas as pd
import pytest

from civos_siaf.benchmark import InteractiveSession, ManualClock, Rules, TimeLimit


def test_the_loop_of_the_original_toolkit(mini, tmp_path):
    seen = []
    with InteractiveSession(mini, rules=Rules(max_rounds=2), clock=ManualClock(), folder=tmp_path) as session:
        while session.next():
            sequence, scribbles, new_sample = session.get_scribbles(only_last=True)
            assert scribbles["sequence"] == sequence
            seen.append((sequence, new_sample))
            session.submit_masks(mini.annotations(sequence))
    assert seen == [(name, new) for name in ("mini-a", "mini-a", "mini-b", "mini-b") for new in (True, False)]
    assert session.get_global_summary(tmp_path / "s.json")["curve"]["J_AND_F"] == [0, 1, 1, 1]
    assert json.loads((tmp_path / "s.json").read_text())["metric_at_threshold"]["threshold"] == 60
    assert len(session.get_report()) == 4 * 2 * 6 * 2
    table = pd.read_csv(io.StringIO(session.report_csv()), index_col=0)
    assert list(table.columns)[:4] == ["session_id", "sequence", "scribble_idx", "interaction"]
    assert (tmp_path / "report.csv").read_text().count("\n") == 1 + len(table)
    assert not session.next()
    with pytest.raises(RuntimeError, match="the session has ended"):
        session.get_scribbles()


def test_going_on_without_masks_changes_nothing(mini):
    session = InteractiveSession(mini, rules=Rules(max_rounds=1))
    with pytest.raises(RuntimeError, match=r"call next\(\) first"):
        session.get_scribbles()
    assert session.next()
    assert session.next()
    assert session.get_scribbles()[0] == "mini-a"
    assert session.get_global_summary() == {}


def test_late_masks_warn_and_end_the_sample(mini):
    clock = ManualClock()
    session = InteractiveSession(mini, rules=Rules(time_limit=TimeLimit(seconds_per_object=1)), clock=clock)
    session.next()
    session.get_scribbles()
    clock.advance(3)
    with pytest.warns(UserWarning, match="mini-a: out of time"):
        session.submit_masks(mini.annotations("mini-a"))
    session.next()
    assert session.current.sample.label == "2"
    assert len(session.report()) == 0


def test_rows_of_a_round_stay_when_choosing_the_next_frame_fails(mini):
    session = InteractiveSession(mini, rules=Rules(published_quirks=True))
    session.next()
    session.get_scribbles()
    with pytest.raises(IndexError):
        session.submit_masks(np.zeros((6, 120, 213), np.uint8), [77])
    assert len(session.report()) == 12


def test_shuffling_permutes_the_samples(mini):
    orders = {tuple(s.key for s in InteractiveSession(mini, shuffle=True).samples) for _ in range(60)}
    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1


def play(session, *, right):
    for sequence, _, _ in session.scribbles_iterator():
        truth = session.dataset.annotations(sequence)
        session.submit_masks(truth if right else np.zeros_like(truth))


def test_a_folder_with_rounds_of_another_session_is_refused(mini, tmp_path):
    rules = Rules(max_rounds=1)
    play(InteractiveSession(mini, rules=rules, folder=tmp_path), right=False)
    before = (tmp_path / "report.csv").read_text()
    with pytest.raises(ValueError, match=r"report\.csv holds 48 rows of an earlier session.*another folder"):
        InteractiveSession(mini, rules=rules, folder=tmp_path)
    assert (tmp_path / "report.csv").read_text() == before
    cut = InteractiveSession(mini, rules=rules, folder=tmp_path / "cut")
    cut.next()
    cut.get_scribbles()
    cut.submit_masks(mini.annotations("mini-a"))
    with pytest.raises(ValueError, match="holds 12 rows"):
        InteractiveSession(mini, rules=rules, folder=tmp_path / "cut")


def test_a_folder_in_which_nothing_was_played_is_taken(mini, tmp_path):
    InteractiveSession(mini, folder=tmp_path)
    session = InteractiveSession(mini, rules=Rules(max_rounds=1), folder=tmp_path)
    play(session, right=True)
    assert session.summary().at_60s == 1
    assert len(session.report()) == 48
