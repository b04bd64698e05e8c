import functools
import operator

import numpy as np
import pytest

from civos_siaf.benchmark import DavisDataset, ManualClock, Rules, TimeLimit
from civos_siaf.benchmark import rounds as rounds_module
from civos_siaf.benchmark.clock import FixedClock
from civos_siaf.benchmark.rounds import SampleRounds, SessionFacts
from civos_siaf.benchmark.samples import Shard, all_samples
from civos_siaf.benchmark.scribbles import annotated_frames
from civos_siaf.next_frame import EvenFrames, WorstFrame
from tests.benchmark.conftest import make_sequence


@pytest.fixture
def clock():
    return ManualClock(1000.0)


def play(dataset, clock, *, next_frame=None, **rules):
    rules = Rules(**rules)
    samples = all_samples(map(dataset.info, dataset.sequences), rules.frames_per_round)
    return SampleRounds(dataset, samples[0], rules=rules, clock=clock, next_frame=next_frame)


def one_round(rounds, clock, seconds, masks=None):
    rounds.hand_out()
    clock.advance(seconds)
    return rounds.submit(np.zeros_like(rounds.truth) if masks is None else masks)


def test_a_sample_is_over_after_its_rounds(mini, clock):
    rounds = play(mini, clock, max_rounds=2, time_limit=None)
    for number in (1, 2):
        assert not rounds.over
        scores = one_round(rounds, clock, 7.5)
        assert (scores.round, scores.seconds) == (number, 7.5)
    assert rounds.over


def test_time_is_for_all_rounds_together_and_late_masks_do_not_count(mini, clock):
    rounds = play(mini, clock, time_limit=TimeLimit(seconds_per_object=5))  # two objects: 10 s
    assert one_round(rounds, clock, 6) is not None
    assert not rounds.over
    assert one_round(rounds, clock, 5) is None
    assert rounds.over


def test_exactly_at_the_limit_is_in_time(mini, clock):
    rounds = play(mini, clock, time_limit=TimeLimit(seconds_per_object=5))
    assert one_round(rounds, clock, 10) is not None
    assert not rounds.over
    clock.advance(0.001)
    assert rounds.over


def test_everything_counts_or_only_the_method(mini):
    for charge, in_time in (("everything", False), ("method", True)):
        clock = ManualClock()
        rounds = play(mini, clock, time_limit=TimeLimit(seconds_per_object=5, charge=charge))
        clock.advance(9)  # opening the video
        assert (one_round(rounds, clock, 2) is not None) is in_time


def test_a_limit_for_each_round(mini, clock):
    rounds = play(mini, clock, max_rounds=4, time_limit=TimeLimit(seconds_per_object=3, scope="round"))
    for _ in range(3):
        assert one_round(rounds, clock, 6) is not None
    assert one_round(rounds, clock, 6.5) is None


def test_calls_out_of_order_are_refused(mini, clock):
    rounds = play(mini, clock)
    with pytest.raises(RuntimeError, match="ask for the scribbles"):
        rounds.submit(rounds.truth)
    rounds.hand_out()
    with pytest.raises(RuntimeError, match="hand in masks"):
        rounds.hand_out()


@pytest.mark.parametrize(
    "masks", [np.zeros((6, 120, 212), np.uint8), np.zeros((5, 120, 213), np.uint8), [[0]], None]
)
def test_wrong_masks_are_refused_and_the_round_can_be_saved(mini, clock, masks):
    rounds = play(mini, clock)
    rounds.hand_out()
    with pytest.raises(ValueError, match=r"mini-a: masks must be an array \(6, 120, 213\) \(T, H, W\), got"):
        rounds.submit(masks)
    assert rounds.submit(rounds.truth).j_and_f.min() == 1


def test_float_masks_are_refused(mini, clock):
    rounds = play(mini, clock)
    rounds.hand_out()
    with pytest.raises(ValueError, match="integers, got float64"):
        rounds.submit(np.zeros(rounds.truth.shape))


@pytest.mark.parametrize("wrong", [[[0]], np.zeros((6, 1, 1), np.uint8), "floats"])
def test_refused_masks_are_not_charged(mini, wrong):
    limit = TimeLimit(seconds_per_object=1.5, charge="everything")  # two objects: 3 s
    rounds = play(mini, FixedClock(2.0), max_rounds=2, time_limit=limit)
    rounds.hand_out()
    for _ in range(3):
        with pytest.raises(ValueError, match="got"):
            rounds.submit(rounds.truth.astype(float) if isinstance(wrong, str) else wrong)
    scores = rounds.submit(rounds.truth)
    assert scores.seconds == 2.0
    assert not rounds.over


def test_the_clock_is_read_before_labels_of_another_type_are_converted(mini, clock, monkeypatch):
    convert = rounds_module.as_labels

    def slowly(labels):
        clock.advance(5.0 * len(labels))
        return convert(labels)

    monkeypatch.setattr(rounds_module, "as_labels", slowly)
    scores = one_round(play(mini, clock), clock, 7.5)
    assert scores.seconds == 7.5


def test_the_robot_draws_on_the_worst_frame_what_is_wrong(mini, clock):
    rounds = play(mini, clock)
    masks = rounds.truth.copy()
    masks[4][masks[4] == 2] = 0
    one_round(rounds, clock, 1, masks)
    scribbles = rounds.hand_out()
    assert annotated_frames(scribbles) == [4]
    assert {line["object_id"] for line in scribbles["scribbles"][4]} == {2}
    assert rounds.used_frames == (4,)


def test_all_scribbles_or_the_last_ones(mini, clock):
    rounds = play(mini, clock)
    one_round(rounds, clock, 1)
    assert annotated_frames(rounds.hand_out(only_last=False)) == [0, 1]


def test_with_nothing_wrong_a_frame_is_chosen_and_nothing_drawn(mini, clock):
    rounds = play(mini, clock)
    one_round(rounds, clock, 1, rounds.truth)
    assert annotated_frames(rounds.hand_out()) == []
    assert rounds.used_frames == (0,)


def test_several_frames_a_round(tmp_path, moving_squares, clock):
    make_sequence(tmp_path, "a", moving_squares, scribbles=3)
    rounds = play(DavisDataset(tmp_path), clock, frames_per_round=3, max_rounds=3)
    assert rounds.sample.label == "1+2+3"
    assert annotated_frames(rounds.hand_out()) == [0, 1, 2]
    masks = rounds.truth.copy()
    masks[[0, 5, 6, 8]] = 0
    scores = rounds.submit(masks)
    assert scores.annotated_frames == (0, 1, 2)
    assert rounds.used_frames == (0, 1, 2, 5, 6, 8)
    assert annotated_frames(rounds.hand_out()) == [5, 6, 8]


def test_samples_of_one_two_and_three_scribble_sets(tmp_path, moving_squares):
    make_sequence(tmp_path, "a", moving_squares, scribbles=3)
    info = DavisDataset(tmp_path).info("a")
    labels = {f: [sample.label for sample in all_samples([info], f)] for f in (1, 2, 3, 5)}
    assert labels == {1: ["1", "2", "3"], 2: ["1+2", "1+3", "2+3"], 3: ["1+2+3"], 5: ["1+2+3"]}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_share_out_everything(count):
    parts = [Shard(i + 1, count).of(list(range(11))) for i in range(count)]
    assert sorted(functools.reduce(operator.iadd, parts, [])) == list(range(11))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_nonsense_shards_are_refused(text):
    with pytest.raises(ValueError, match="shard must be"):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rounds": None, "time_limit": None}, "limit the rounds"),
        ({"max_rounds": 0}, "max_rounds must be 1 or more"),
        ({"metric": "IoU"}, "one of J, F, J_AND_F, got 'IoU'"),
        ({"frames_per_round": 0}, "frames_per_round must be 1 or more"),
        ({"min_frame_distance": -1}, "min_frame_distance"),
        ({"max_rounds": None, "time_limit": TimeLimit(scope="round")}, "needs max_rounds"),
    ],
)
def test_rules_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Rules(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"seconds_per_object": 0}, "more than 0"), ({"scope": "day"}, "scope"), ({"charge": "x"}, "charge")],
)
def test_time_limits_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TimeLimit(**options)


def test_another_chooser_takes_the_place_of_the_worst_frame(mini, clock):
    rounds = play(mini, clock, next_frame=EvenFrames(3))
    masks = rounds.truth.copy()
    masks[5][masks[5] == 2] = 0
    one_round(rounds, clock, 1, masks)
    assert rounds.used_frames == (1, 0)  # the frame of the first scribbles counts
    one_round(rounds, clock, 1, masks)
    assert rounds.used_frames == (1, 0, 3)


def test_frames_may_come_again_where_the_chooser_says_so(mini, clock):
    rounds = play(mini, clock, max_rounds=5, next_frame=EvenFrames(2))
    for _ in range(4):
        one_round(rounds, clock, 1)
    assert annotated_frames(rounds.hand_out()) == [1]


def test_a_chooser_sees_the_round(mini, clock):
    seen = []

    class Curious(WorstFrame):
        def priorities(self, finished):
            seen.append(finished)
            return super().priorities(finished)

    rounds = play(mini, clock, next_frame=Curious())
    rounds.hand_out()
    facts = SessionFacts(confidences=[0.5] * 6, probabilities=len)
    scores = rounds.submit(np.zeros_like(rounds.truth), facts=facts)
    (finished,) = seen
    assert finished.prompted == ((1,),)
    assert finished.num_objects == 2
    assert finished.confidences == [0.5] * 6
    assert finished.probabilities is len
    assert finished.frames().size == (120, 213)
    assert finished.quality() == pytest.approx(scores.j_and_f.mean(axis=1))
    one_round(rounds, clock, 1)
    assert seen[1].prompted == ((1,), rounds.used_frames[:1])
