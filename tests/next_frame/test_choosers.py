import numpy as np
import pytest

from civos_siaf.next_frame import EvenFrames, FinishedRound, MethodSuggestion, RandomFrame, WorstFrame


def finished(num_frames=20, prompted=((0,),), **more):
    return FinishedRound(
        num_frames=num_frames,
        labels=np.zeros((num_frames, 8, 8), np.uint8),
        prompted=prompted,
        num_objects=1,
        **more,
    )


def walk(chooser, rounds, **more):
    prompted = more.pop("prompted", ((0,),))
    for _ in range(rounds):
        priorities = chooser.priorities(finished(prompted=prompted, **more))
        prompted = (*prompted, (int(priorities.argmax()),))
    return [frames[0] for frames in prompted[1:]]


def test_how_often_each_frame_was_prompted():
    played = finished(5, prompted=((1, 2), (2,), ()))
    assert played.times_prompted.tolist() == [0, 1, 2, 0, 0]


def test_the_worst_frame_has_the_lowest_quality_true_or_judged():
    quality = np.linspace(0, 1, 20)
    assert WorstFrame().priorities(finished(quality=lambda: quality)).argmax() == 0
    judged = WorstFrame(lambda played: 1 - quality)
    assert judged.priorities(finished()).argmax() == 19
    with pytest.raises(ValueError, match="ground truth"):
        WorstFrame().priorities(finished())


def test_random_frames_follow_from_seed_video_and_round():
    first = walk(RandomFrame(), 30, video="a")
    assert first == walk(RandomFrame(), 30, video="a")
    assert first != walk(RandomFrame(1), 30, video="a")
    assert first != walk(RandomFrame(), 30, video="b")
    assert len(set(first)) > 10
    assert len(set(first)) < len(first)  # one may come again


def test_even_frames_from_left_to_right_then_the_first_again():
    assert walk(EvenFrames(4), 5, prompted=((7,),)) == [3, 12, 17, 7, 7]
    assert walk(EvenFrames(None), 3, num_frames=70) == [8, 17, 25]
    with pytest.raises(ValueError, match="positions"):
        EvenFrames(0)


def test_the_method_is_asked_where_it_is_least_sure():
    sure = [0.9] * 20
    sure[15], sure[1], sure[8] = 0.2, 0.1, 0.5
    priorities = MethodSuggestion().priorities(finished(confidences=sure))
    # Frame 1 is beside the one that was prompted.
    assert np.argsort(-priorities)[:3].tolist() == [15, 8, 1]
    assert priorities[0] == 0


def test_where_the_method_is_sure_of_everything_the_frame_farthest_away_comes():
    far = finished(60, prompted=((0,), (24,)), confidences=[1.0] * 60)
    assert MethodSuggestion().priorities(far).argmax() in range(33, 60)
    near = finished(20, prompted=((0,), (6,), (19,), (13,)), confidences=[1.0] * 20)
    assert MethodSuggestion().priorities(near).argmax() in (3, 9, 10, 16)


def test_several_frames_for_a_round_keep_away_from_each_other():
    sure = [0.9] * 20
    sure[14], sure[15], sure[16], sure[4], sure[9] = 0.3, 0.2, 0.3, 0.5, 0.6
    priorities = MethodSuggestion().priorities(finished(confidences=sure, count=3))
    assert np.argsort(-priorities)[:3].tolist() == [15, 4, 9]
    one = MethodSuggestion().priorities(finished(confidences=sure))
    assert np.argsort(-one)[:3].tolist() == [15, 16, 14]
