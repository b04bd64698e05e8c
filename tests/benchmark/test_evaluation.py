import json

import numpy as np
import pandas as pd
import pytest

from civos_siaf.benchmark import (
    DavisDataset,
    Evaluation,
    FixedClock,
    ManualClock,
    Rules,
    Shard,
    TimeLimit,
    click_strategy,
    evaluate,
    merge_shards,
    write_results,
)
from civos_siaf.benchmark.report import read_report
from civos_siaf.next_frame import EvenFrames, MethodSuggestion, WorstFrame
from tests.benchmark.conftest import make_sequence
from tests.benchmark.eroded import Eroded

RULES = Rules(max_rounds=3)


def evaluation(folder=None, **options):
    options = {"rules": RULES, "clock": FixedClock(2.0), **options}
    return Evaluation(Eroded(), DavisDataset(), folder=folder, **options)


def test_any_method_in_ten_lines():
    class Everything:
        def open(self, frames, *, num_objects):
            self.labels = np.ones((len(frames), frames.height, frames.width), np.uint8)
            return self

        def interact(self, prompts):
            return {frame: self.labels[frame] for frame in prompts.frames}

        def propagate(self):
            return self.labels

    summary = evaluate(Everything(), DavisDataset(), rules=Rules(max_rounds=2))
    assert 0 < summary.r_auc < 0.1


def test_rounds_get_better_and_prompts_are_those_of_the_round():
    played = list(evaluation().play())
    assert [(p.sample.key, p.round, p.over) for p in played[:4]] == [
        (("mini-a", "1"), 1, False),
        (("mini-a", "1"), 2, False),
        (("mini-a", "1"), 3, True),
        (("mini-a", "2"), 1, False),
    ]
    means = [p.scores.j_and_f.mean() for p in played[:3]]
    assert means == sorted(means)
    assert played[0].prompts.frames == (1,)
    assert played[1].prompts.frames == played[1].scores.annotated_frames
    assert not played[0].prompts.clicks
    assert played[0].frames.size == (120, 213)


def test_clicks_instead_of_scribbles():
    played = list(evaluation(clicks=click_strategy("f3", max_clicks=1)).play())
    assert not any(p.prompts.scribbles for p in played)
    assert [(c.object_id, c.positive) for c in played[0].prompts.clicks] == [(1, True), (2, True)]


def test_several_frames_a_round(tmp_path, moving_squares):
    make_sequence(tmp_path, "a", moving_squares, scribbles=3)
    data = DavisDataset(tmp_path)
    played = list(Evaluation(Eroded(tmp_path), data, rules=Rules(max_rounds=2, frames_per_round=3)).play())
    assert [len(p.prompts.frames) for p in played] == [3, 3]
    assert not set(played[0].prompts.frames) & set(played[1].prompts.frames)


def test_without_anything_to_correct_the_masks_stand_and_the_method_is_not_asked(mini):
    class Perfect(Eroded):
        asked = 0

        def open(self, frames, *, num_objects):
            self.asked += 1
            session = super().open(frames, num_objects=num_objects)
            session.shrink = 0
            session.interact = lambda prompts: setattr(self, "asked", self.asked + 10)
            return session

    method = Perfect()
    played = list(Evaluation(method, mini, rules=RULES).play())
    assert method.asked == 4 * 11
    assert all(p.scores.j_and_f.min() == 1 for p in played)
    assert len(played) == 12


def test_a_method_may_ask_for_frames(mini):
    class Choosy(Eroded):
        def open(self, frames, *, num_objects):
            session = super().open(frames, num_objects=num_objects)
            session.wanted_frames = (3, 5)
            return session

    played = list(Evaluation(Choosy(), mini, rules=RULES).play())
    # Empty when the asked-for frame is right already.
    assert {p.prompts.frames for p in played if p.round > 1} - {()} == {(3,), (5,)}


def test_masks_of_the_wrong_size_stop_the_run_with_a_clear_error(mini):
    class Wrong(Eroded):
        def open(self, frames, *, num_objects):
            session = super().open(frames, num_objects=num_objects)
            session.propagate = lambda: np.zeros((6, 120, 200), np.uint8)
            return session

    with pytest.raises(ValueError, match=r"mini-a: masks must be an array \(6, 120, 213\)"):
        evaluate(Wrong(), mini)


def test_an_interrupted_run_goes_on_with_the_same_result(tmp_path):
    whole = list(evaluation(tmp_path / "whole").play())
    for number, _ in enumerate(evaluation(tmp_path / "cut").play()):
        if number == 4:  # in the second sample
            break
    again = evaluation(tmp_path / "cut")
    assert len(again.remaining) == 3
    assert len(list(again.play())) == len(whole) - 3
    for name in ("report.csv", "summary.json", "finished.jsonl", "summary.md"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text(), name
    assert list(evaluation(tmp_path / "cut").play()) == []


def test_a_folder_of_another_run_is_not_touched(tmp_path):
    list(evaluation(tmp_path).play())
    before = (tmp_path / "report.csv").read_text()
    with pytest.raises(ValueError, match=r"other settings \(rules\.max_rounds: 3 there, 4 now\)"):
        evaluation(tmp_path, rules=Rules(max_rounds=4))
    with pytest.raises(ValueError, match=r"clicks\.max_clicks: None there, 2 now"):
        evaluation(tmp_path, clicks=click_strategy("f3", max_clicks=2))
    assert (tmp_path / "report.csv").read_text() == before


@pytest.mark.parametrize("count", [2, 3])
def test_parts_give_the_same_as_one_process(tmp_path, count):
    list(evaluation(tmp_path / "one").play())
    for index in range(count):
        assert not (tmp_path / "parts" / "summary.json").exists()
        list(evaluation(tmp_path / "parts", shard=Shard(index + 1, count)).play())
    for name in ("report.csv", "summary.json", "summary.md"):
        assert (tmp_path / "parts" / name).read_text() == (tmp_path / "one" / name).read_text(), name


def test_parts_from_several_machines(tmp_path):
    for index in range(2):
        list(evaluation(tmp_path / f"machine{index}", shard=Shard(index + 1, 2)).play())
    parts = [tmp_path / f"machine{index}" / "shards" / f"{index + 1}-of-2" for index in range(2)]
    assert merge_shards(tmp_path / "machine0") is None
    with pytest.raises(ValueError, match=r"2 samples are in none .* first is \('mini-a', '2'\)"):
        merge_shards(tmp_path / "all", parts[:1])
    summary = merge_shards(tmp_path / "all", parts)
    assert summary.r_auc == write_results(tmp_path / "all").r_auc
    list(evaluation(tmp_path / "other", rules=Rules(max_rounds=2), shard=Shard(2, 2)).play())
    with pytest.raises(ValueError, match="different evaluations"):
        merge_shards(tmp_path / "all", [parts[0], tmp_path / "other/shards/2-of-2"])
    with pytest.raises(FileNotFoundError, match="no parts of an evaluation"):
        merge_shards(tmp_path / "nothing")


def test_a_part_that_ends_first_leaves_one_that_is_still_running_alone(tmp_path):
    slow = evaluation(tmp_path, shard=Shard(1, 2)).play()
    next(slow)
    list(evaluation(tmp_path, shard=Shard(2, 2)).play())
    assert not (tmp_path / "summary.json").exists()
    list(slow)
    list(evaluation(tmp_path / "one").play())
    assert (tmp_path / "report.csv").read_text() == (tmp_path / "one" / "report.csv").read_text()


def test_a_part_that_has_just_begun_is_waited_for(tmp_path):
    begun = tmp_path / "shards" / "1-of-2"
    begun.mkdir(parents=True)
    list(evaluation(tmp_path, shard=Shard(2, 2)).play())
    assert not (tmp_path / "summary.json").exists()
    list(evaluation(tmp_path, shard=Shard(1, 2)).play())
    assert (tmp_path / "summary.json").exists()


def test_late_masks_are_yielded_without_scores(tmp_path):
    rules = Rules(max_rounds=3, time_limit=TimeLimit(seconds_per_object=2))
    run = evaluation(tmp_path, rules=rules, clock=FixedClock(3))
    played = list(run.play())
    assert [(p.round, p.scores is None, p.over) for p in played[:2]] == [(1, False, False), (2, True, True)]
    assert run.summary().round_seconds == (3, 0, 0)


def test_what_is_written_for_people(tmp_path, moving_squares):
    make_sequence(tmp_path / "data", "a", moving_squares)
    run = Evaluation(
        Eroded(tmp_path / "data"),
        DavisDataset(tmp_path / "data"),
        rules=RULES,
        clicks=click_strategy("f3"),
        folder=tmp_path / "out",
    )
    list(run.play())
    page = (tmp_path / "out" / "summary.md").read_text()
    assert "First scribbles of 1 of 1 sequences were drawn by the robot" in page
    assert "strategy F3 (max_clicks=3, minimal_area=100" in page
    assert "published_quirks=False" in page
    assert "at most 0.875 with 3 rounds" in page
    content = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert content["metrics"]["J_AND_F"]["r_auc"] == run.summary().r_auc
    assert content["environment"]["packages"]["numpy"]
    assert "| J&F, annotated frames, right after their prompts |" in page
    assert "| samples that the round did not improve |" in page
    assert [len(content[key]) for key in ("annotated_frames_j_and_f", "samples_not_improved")] == [3, 3]
    table = read_report(tmp_path / "out" / "report.csv")
    assert (table.groupby("interaction")["clicks"].first() > 0).tolist() == [True, True, True]
    assert set(table["annotated_frames"]) <= set(map(str, range(9)))
    assert pd.read_csv(tmp_path / "out" / "report.csv").shape == table.shape
    assert (tmp_path / "out" / "curves.png").stat().st_size > 5000


def test_the_running_score_is_the_mean_of_the_last_rounds(tmp_path):
    run = evaluation(tmp_path)
    assert np.isnan(run.running_score)
    played = list(run.play())
    last = [p.scores.j_and_f.mean() for p in played if p.over]
    assert run.running_score == pytest.approx(np.mean(last))
    assert evaluation(tmp_path).running_score == pytest.approx(np.mean(last))


def test_results_need_a_finished_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run\.json is missing"):
        write_results(tmp_path)
    next(evaluation(tmp_path).play())
    with pytest.raises(ValueError, match="4 samples are not finished, the first is"):
        write_results(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="not the record of an evaluation"):
        write_results(tmp_path)


class Shrinking(Eroded):
    """Differs from others of its class in what no JSON can say."""

    def __init__(self, network=None, **options):
        super().__init__(**options)
        self.network = network


def play(method, folder, about=None, rules=RULES):
    return evaluate(method, DavisDataset(), rules=rules, clock=FixedClock(), folder=folder, about=about).r_auc


def test_another_method_of_the_same_class_does_not_get_the_figures_of_the_first(tmp_path):
    first = play(Eroded(shrink=3), tmp_path)
    with pytest.raises(
        ValueError, match=r"other settings \(method\.shrink: 3 there, 1 now\); choose another"
    ):
        play(Eroded(shrink=1), tmp_path)
    assert play(Eroded(shrink=3), tmp_path) == first


def test_parts_of_two_methods_of_the_same_class_are_not_joined(tmp_path):
    for index, shrink in enumerate((3, 1), 1):
        run = Evaluation(
            Eroded(shrink=shrink), DavisDataset(), rules=RULES, folder=tmp_path, shard=Shard(index, 2)
        )
        rounds = run.play()
        if index == 1:
            list(rounds)
    with pytest.raises(ValueError, match=r"different evaluations: .*2-of-2 and .*1-of-2 \(method\.shrink: 1"):
        list(rounds)


def test_what_is_said_about_a_method_tells_it_apart(tmp_path):
    first = play(Shrinking(object()), tmp_path, {"weights": "a"})
    with pytest.raises(ValueError, match=r"other settings \(weights: 'a' there, 'b' now\)"):
        play(Shrinking(object()), tmp_path, {"weights": "b"})
    with pytest.raises(ValueError, match=r"weights: 'a' there, not noted now"):
        play(Shrinking(object()), tmp_path)
    # Said to be the same, whatever its attributes are.
    assert play(Shrinking(object(), shrink=1), tmp_path, {"weights": "a"}) == first


def as_older(folder, *, without=()):
    """Rewrite a record as it was before methods' values and dates were noted."""
    record = json.loads((folder / "run.json").read_text())
    del record["method_values"], record["begun"]
    for key in without:
        del record["settings"][key]
    (folder / "run.json").write_text(json.dumps(record))


def test_a_run_under_an_older_record_goes_on(tmp_path):
    whole = play(Eroded(), tmp_path / "whole")
    for number, _ in enumerate(evaluation(tmp_path / "cut", clock=FixedClock()).play()):
        if number == 4:
            break
    as_older(tmp_path / "cut")
    run = evaluation(tmp_path / "cut", clock=FixedClock())
    assert len(run.remaining) == 3
    assert play(Eroded(), tmp_path / "cut") == whole


def test_an_older_record_of_which_too_little_is_known_is_refused(tmp_path):
    play(Eroded(), tmp_path, {"weights": {"w.pth": "a"}})
    as_older(tmp_path, without=["weights"])
    with pytest.raises(ValueError, match=r"\(weights\.w\.pth: not noted there, 'a' now\); choose another"):
        play(Eroded(), tmp_path, {"weights": {"w.pth": "a"}})


def test_a_run_that_was_finished_before_knows_when(tmp_path):
    run = evaluation(tmp_path)
    assert not run.finished_before
    next(run.play())
    assert not evaluation(tmp_path).finished_before
    list(evaluation(tmp_path).play())
    again = evaluation(tmp_path)
    assert again.finished_before
    assert again.record.begun == run.record.begun
    assert again.record.origin.startswith(f"begun {run.record.begun}")
    assert not evaluation(tmp_path / "parts", shard=Shard(7, 7)).finished_before  # nothing is for this part
    as_older(tmp_path)
    assert "begun" not in evaluation(tmp_path).record.origin


class Telling(Eroded):
    """Says how sure it is of each frame, of frame 4 the least."""

    def open(self, frames, *, num_objects):
        session = super().open(frames, num_objects=num_objects)
        spread = session.propagate

        def propagate(*arguments, arrived=None):
            labels = spread(*arguments)
            for frame in range(len(labels) if arrived else 0):
                arrived(frame, labels[frame], 0.1 if frame == 4 else 0.5)
            return labels

        session.streams, session.propagate, session.probabilities = True, propagate, lambda frame: frame
        return session


def test_the_session_is_asked_how_sure_it_is_only_where_that_matters():
    seen = []

    class Asking(MethodSuggestion):
        def priorities(self, finished):
            seen.append(finished)
            return super().priorities(finished)

    class Deaf(WorstFrame):
        def priorities(self, finished):
            seen.append(finished)
            return super().priorities(finished)

    for chooser in (Asking(), Deaf()):
        dataset = DavisDataset(sequences=["mini-a"])
        (first, *_) = Evaluation(Telling(), dataset, rules=RULES, next_frame=chooser).play()
        assert first.round == 1
    asked, deaf = seen[0], seen[-1]
    assert asked.confidences[4] == 0.1
    assert None not in asked.confidences
    assert asked.probabilities(3) == 3
    assert deaf.confidences is None
    assert Asking().priorities(asked).argmax() == 4


def test_the_record_names_a_chooser_that_is_not_the_usual_one(tmp_path):
    assert "next_frame" not in evaluation(tmp_path / "worst", next_frame=WorstFrame()).record.settings
    other = evaluation(tmp_path / "even", next_frame=EvenFrames(3))
    assert other.record.settings["next_frame"] == {"name": "EvenFrames", "positions": 3}
    with pytest.raises(ValueError, match=r"next_frame\.positions: 3 there, 4 now"):
        evaluation(tmp_path / "even", next_frame=EvenFrames(4))
    with pytest.raises(ValueError, match=r"next_frame"):
        evaluation(tmp_path / "even")
    judged = evaluation(next_frame=WorstFrame(first_counts=True)).record.settings["next_frame"]
    assert judged["first_counts"] is True


class Slow:
    """Its first round takes a minute, all others a second, as where networks are compiled."""

    def __init__(self, clock):
        self.clock, self.rounds = clock, 0

    def open(self, frames, *, num_objects):
        self.labels = np.ones((len(frames), frames.height, frames.width), np.uint8)
        return self

    def interact(self, prompts):
        return {frame: self.labels[frame] for frame in prompts.frames}

    def propagate(self):
        self.clock.advance(1 if self.rounds else 60)
        self.rounds += 1
        return self.labels


@pytest.mark.parametrize("warm_up", [False, True])
def test_a_round_before_the_clock_starts_is_in_no_score(warm_up):
    # The clock of what is measured; that of the round before stands still.
    clock = ManualClock()
    method = Slow(clock)
    run = Evaluation(method, DavisDataset(sequences=["mini-a"]), rules=RULES, clock=clock, warm_up=warm_up)
    played = list(run.play())
    assert method.rounds == len(played) + warm_up
    assert [one.round for one in played[:3]] == [1, 2, 3]
    assert played[0].scores.seconds == (1 if warm_up else 60)
    assert list(run.play()) == []
    assert method.rounds == len(played) + warm_up  # nothing is left to warm up for
