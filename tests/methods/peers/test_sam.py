import gc

import numpy as np
import pytest
import torch

from civos_siaf import Box, Click, Frames, MaskPrompt, Prompts, Scribble
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.methods.peers.sam_prompts import StrokePoints
from civos_siaf.prompts import PromptKindError
from civos_siaf.weights.mivos_networks import load_network
from tests.methods.peers.conftest import VIDEO

FIRST, SECOND = 2, 6
ONE = Prompts((Click(FIRST, 1, 20, 30), Click(FIRST, 2, 60, 10)))
TWO = Prompts((Click(SECOND, 2, 40, 30), Click(SECOND, 2, 5, 5, positive=False)))
SQUARE = np.zeros((48, 80), dtype=bool)
SQUARE[8:31, 11:44] = True


def test_undo_goes_back_through_rounds_and_the_same_again_is_the_same(opened):
    session = opened()
    shown = session.interact(ONE)
    first = session.propagate()
    corrected = session.interact(TWO)
    second = session.propagate()
    assert not np.array_equal(first, second)
    session.undo()
    assert np.array_equal(session.propagate(), first)
    assert np.array_equal(session.interact(TWO)[SECOND], corrected[SECOND])
    assert np.array_equal(session.propagate(), second)
    session.undo()
    session.undo()
    assert not session.propagate().any()
    assert np.array_equal(session.interact(ONE)[FIRST], shown[FIRST])
    assert np.array_equal(session.propagate(), first)
    session.undo()
    with pytest.raises(IndexError):
        session.undo()


def test_an_interaction_is_undone_by_itself(opened):
    session = opened()
    session.interact(ONE)
    second = session.interact(Prompts((Click(FIRST, 1, 10, 10),)))
    session.undo()
    assert np.array_equal(session.interact(Prompts((Click(FIRST, 1, 10, 10),)))[FIRST], second[FIRST])


def test_objects_added_at_any_time_leave_the_others_as_they_are(opened):
    session = opened(num_objects=1)
    session.interact(ONE.of(1))
    alone = session.propagate()
    session.add_objects(2)
    visited = []
    session.interact(Prompts((Click(SECOND, 3, 60, 40),)))
    both = session.propagate(lambda done, total: visited.append((done, total)))
    assert visited[-1] == (len(VIDEO) - 1, len(VIDEO) - 1), "only the new object is tracked"
    assert set(np.unique(both)) == {0, 1, 3}
    assert ((both == 1) <= (alone == 1)).all(), "object 1 loses pixels to the new one alone"
    assert (both[alone == 1] != 0).all()


def test_objects_do_not_see_each_other(opened):
    both = opened()
    both.interact(ONE)
    both.propagate()
    alone = opened()
    alone.interact(ONE.of(2))
    alone.propagate()
    logits = [session.tracker.logits(session._now.tracks[2], 0, None, 2) for session in (both, alone)]
    assert torch.allclose(*logits, atol=1e-3)


def test_save_and_load_go_on_from_there(opened, tmp_path):
    session = opened()
    session.interact(ONE + Prompts((MaskPrompt(4, 1, SQUARE), Box(5, 2, 1, 2, 30, 40))))
    session.interact(Prompts((Scribble(5, 0, [(50, 2), (60, 3)]),)))
    before = session.propagate()
    session.save(tmp_path / "round")
    other = opened()
    other.load(tmp_path / "round")
    assert np.array_equal(other.propagate(), before)
    again = Prompts((Click(FIRST, 2, 62, 12), Click(FIRST, 2, 1, 1, positive=False)))
    for own in (session, other):
        own.interact(again)
    assert np.array_equal(session.propagate(), other.propagate())
    with pytest.raises(FileNotFoundError):
        opened().load(tmp_path)
    with pytest.raises(ValueError, match="not a session saved of this video"):
        opened(video=VIDEO[:5]).load(tmp_path / "round")
    (tmp_path / "round" / "answers.safetensors").write_bytes(b"x")
    with pytest.raises(ValueError, match="not a session saved of this video"):
        opened().load(tmp_path / "round")


def test_a_mask_stays_as_it_was_given_until_it_is_corrected(opened):
    session = opened()
    session.interact(ONE)
    shown = session.interact(Prompts((MaskPrompt(FIRST, 1, SQUARE),)))
    assert np.array_equal(shown[FIRST] == 1, SQUARE)
    assert np.array_equal(session.propagate()[FIRST] == 1, SQUARE)
    shown = session.interact(Prompts((Click(FIRST, 1, 15, 12, positive=False),)))
    assert not np.array_equal(shown[FIRST] == 1, SQUARE)


def test_what_a_tracker_cannot_take_is_said(opened):
    session = opened()
    for prompt in (Click(FIRST, 1, 20, 30, positive=False),):
        with pytest.raises(PromptKindError, match="object 1 has no mask on frame 2: SAM takes a negative"):
            session.interact(Prompts((prompt,)))
    session.interact(ONE)
    with pytest.raises(PromptKindError, match="Box on frame 2 for object 1: SAM takes a box before clicks"):
        session.interact(Prompts((Box(FIRST, 1, 1, 1, 9, 9),)))
    with pytest.raises(ValueError, match=r"frames 0\.\.8 and objects 1\.\.2"):
        session.interact(Prompts((Click(FIRST, 3, 1, 1),)))
    shown = session.interact(Prompts((Click(FIRST, 1, 1, 1, positive=False),)))
    assert set(shown) == {FIRST}, "what was refused has left nothing behind"


def test_strokes_are_points_and_background_strokes_negative_ones(opened):
    stroke, ground = (
        Scribble(FIRST, 1, [(10, 10), (30, 10), (30, 30)]),
        Scribble(FIRST, 0, [(70, 5), (72, 9)]),
    )
    drawn = opened(strokes=StrokePoints(count=2)).interact(Prompts((stroke, ground)))[FIRST]
    clicks = [Click(FIRST, 1, 20, 10), Click(FIRST, 1, 30, 20)]
    clicks += [Click(FIRST, 1, x, y, positive=False) for x, y in StrokePoints(count=2).of(ground)]
    assert np.array_equal(drawn, opened().interact(Prompts(tuple(clicks)))[FIRST])
    assert StrokePoints(count=3, rule="ends").of(stroke).tolist() == [[10, 10], [30, 10], [30, 30]]
    assert StrokePoints().of(Scribble(0, 1, [(4, 5)])).tolist() == [[4, 5]]
    with pytest.raises(ValueError, match="spaced or ends"):
        StrokePoints(rule="random")
    assert not opened().interact(Prompts((ground,)))[FIRST].any(), "about objects that are nowhere: nothing"


@pytest.mark.filterwarnings("ignore:.*untrained")
def test_strokes_can_become_masks_first(opened):
    seen = []

    class Recorded(ScribbleInteraction):
        def predict(self, view, calls):
            seen.append(super().predict(view, calls))
            return seen[-1]

    session = opened(interaction=Recorded(load_network("light-s2m", None), scale_to_padded=False))
    shown = session.interact(Prompts((Scribble(FIRST, 1, [(10, 10), (30, 30)]),)))
    mask = seen[0].argmax(dim=0).numpy() == 1
    assert np.mean((shown[FIRST] == 1) == mask) > 0.8, "in the resolution of the network"
    session.interact(Prompts((Click(FIRST, 1, 40, 20),)))
    assert session.propagate().any()


def test_frames_are_encoded_once_within_the_budget_and_again_beyond_it(opened):
    def rounds(**options):
        session = opened(**options)
        for prompts in (ONE, TWO, Prompts((Click(4, 1, 30, 30),))):
            session.interact(prompts)
            session.propagate()
        features = session.tracker.features
        return features.encoded, features.num_bytes, session.propagate()

    encoded, num_bytes, labels = rounds()
    assert encoded == len(VIDEO)
    per_frame = num_bytes // encoded
    encoded, num_bytes, again = rounds(feature_bytes=3 * per_frame)
    assert encoded > len(VIDEO)
    assert num_bytes <= 3 * per_frame
    assert np.array_equal(labels, again)


def test_memory_is_flat_over_300_frames(opened):
    video = np.repeat(VIDEO, 34, axis=0)[:300]
    session = opened(video=video, num_objects=1, feature_bytes=0, mask_bytes=0)
    held = {}

    def count(done, total):
        if done in (60, 290):
            gc.collect()
            held[done] = sum(
                x.numel() * x.element_size() for x in gc.get_objects() if type(x) is torch.Tensor
            )

    session.interact(Prompts((Click(0, 1, 20, 30),)))
    assert session.propagate(count).shape == (300, 48, 80)
    assert held[290] <= held[60] + 100_000


def test_fewer_frames_in_memory_change_the_masks_and_the_default_leaves_nothing_out(opened):
    video = np.repeat(VIDEO, 3, axis=0)

    def play(**options):
        session = opened(video=video, num_objects=1, **options)
        session.interact(Prompts((Click(3, 1, 20, 30),)))
        return session.propagate()

    default = play()
    assert np.array_equal(default, play(max_memory_frames=1000))
    assert not np.array_equal(default, play(max_memory_frames=1))
    with pytest.raises(ValueError, match="max_memory_frames"):
        play(max_memory_frames=0)
    with pytest.raises(ValueError, match="sweeps"):
        play(sweeps="both")


def test_fewer_prompted_frames_are_read_if_wanted(opened):
    clicks = Prompts(tuple(Click(frame, 1, 20 + 5 * frame, 30) for frame in (0, 2, 4, 8)))

    def play(**options):
        session = opened(num_objects=1, network=options)
        session.interact(clicks)
        return session.propagate()

    assert not np.array_equal(play(), play(max_references=2))
    with pytest.raises(ValueError, match="max_references"):
        play(max_references=1)


def test_frames_arrive_once_with_a_confidence(opened):
    session = opened()
    session.interact(ONE.of(1) + Prompts((Click(SECOND, 2, 60, 30),)))
    arrived = {}
    labels = session.propagate(
        arrived=lambda t, own, sure=None: arrived.setdefault(t, []).append((own, sure))
    )
    assert sorted(arrived) == list(range(len(VIDEO)))
    assert all(len(own) == 1 and np.array_equal(own[0][0], labels[t]) for t, own in arrived.items())
    assert all(0 <= own[0][1] <= 1 for own in arrived.values())


def test_a_propagation_that_is_stopped_leaves_everything_as_it_was(opened):
    session = opened()
    session.interact(ONE)

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.propagate(stop)
    other = opened()
    other.interact(ONE)
    assert np.array_equal(session.propagate(), other.propagate())


def test_half_precision_and_small_features_run(family, opened):
    session = opened(family, precision="bf16", feature_precision="fp16")
    for prompts in (ONE, TWO):
        session.interact(prompts)
        assert session.propagate().shape == (9, 48, 80)


def test_a_video_of_one_frame_and_no_prompts_at_all(opened):
    session = opened(video=VIDEO[:1])
    assert not session.propagate().any()
    assert session.interact(Prompts()) == {}
    session.interact(Prompts((Click(0, 1, 20, 30),)))
    session.propagate()
    shown = session.interact(Prompts((Click(0, 1, 25, 30),)))
    assert np.array_equal(session.propagate()[0], shown[0])


def test_frames_are_read_when_they_are_needed(method):
    read = []

    class Source:
        def __len__(self):
            return len(VIDEO)

        def read(self, index):
            read.append(index)
            return VIDEO[index].copy()

        def name(self, index):
            return str(index)

    session = method("sam2").open(Frames(Source()), num_objects=2)
    session.interact(ONE)
    assert set(read) <= {0, FIRST}
