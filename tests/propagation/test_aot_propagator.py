import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.propagation.settings import AotSettings
from tests.propagation.aot_toys import FRAMES, HEIGHT, WIDTH, annotated, boxes, opened


def test_a_round_reaches_every_frame_and_leaves_the_annotated_ones(net):
    propagator = annotated(net, 2, 8)
    seen = []
    labels = propagator.propagate(lambda done, total: seen.append((done, total)))
    assert labels.shape == (FRAMES, HEIGHT, WIDTH)
    assert seen == [(n + 1, 10) for n in range(10)]
    assert np.array_equal(labels[2], boxes(1, 2))
    assert np.array_equal(labels[8], boxes(1, 2, shift=7))
    assert labels.max() <= 2
    assert all(propagator.labels[frame] is not None for frame in range(FRAMES))
    assert propagator.features.encoded == FRAMES
    assert len(np.unique(labels[[0, 5, 11]])) > 1


def test_an_annotation_takes_the_place_of_the_one_before(net):
    twice = annotated(net, 4)
    first = twice.propagate()
    encoded = twice.features.encoded
    twice.annotate(4, boxes(2, 1, 2))
    labels = twice.propagate()
    assert twice.annotated == (4,)
    assert twice.features.encoded == encoded
    once = opened(net)
    once.annotate(4, boxes(2, 1, 2))
    assert np.array_equal(once.propagate(), labels)
    assert not np.array_equal(labels[5], first[5])


@pytest.mark.parametrize("order", [(3, 9), (9, 3)])
def test_rounds_end_where_one_round_with_all_annotations_does(net, order):
    propagator = opened(net)
    maps = {3: boxes(1, 2), 9: boxes(2, 1, shift=8)}
    for frame in order:
        propagator.annotate(frame, maps[frame])
        labels = propagator.propagate()
    at_once = opened(net)
    for frame in sorted(maps):
        at_once.annotate(frame, maps[frame])
    assert np.array_equal(at_once.propagate(), labels)


def test_without_repropagation_only_what_is_near_the_new_frames_changes(net):
    propagator = annotated(net, 1, repropagate=False)
    first = propagator.propagate()
    propagator.annotate(7, boxes(2, 1, shift=11))
    second = propagator.propagate()
    assert np.array_equal(first[:5], second[:5])
    # As if nothing but this round's frame had ever been annotated.
    alone = opened(net, repropagate=False)
    alone.annotate(7, boxes(2, 1, shift=11))
    assert np.array_equal(alone.propagate()[5:], second[5:])
    with_all = annotated(net, 1)
    with_all.annotate(7, boxes(2, 1, shift=11))
    assert not np.array_equal(with_all.propagate()[:5], first[:5])


class Actions:
    """Random annotations, rounds, objects and steps back."""

    kinds = st.one_of(
        st.tuples(st.just("annotate"), st.integers(0, FRAMES - 1), st.integers(0, 40)),
        st.just(("propagate",)),
        st.just(("add",)),
        st.just(("back",)),
    )

    @staticmethod
    def apply(propagator, action):
        if action[0] == "annotate":
            propagator.annotate(action[1], boxes(*range(1, propagator.num_objects + 1), shift=action[2]))
        elif action[0] == "add":
            propagator.add_objects(6)
        else:
            propagator.propagate()


@settings(max_examples=8)
@given(st.lists(Actions.kinds, min_size=3, max_size=7))
def test_any_state_can_be_returned_to(net, actions):
    """After steps back, the same actions give the same as if the others had never been."""
    propagator, moments, kept = opened(net), [], []
    for action in actions:
        if action == ("back",):
            if moments:
                propagator.restore(moments.pop())
                kept.pop()
        else:
            moments.append(propagator.snapshot())
            kept.append(action)
            Actions.apply(propagator, action)
    straight = opened(net)
    for action in kept:
        Actions.apply(straight, action)
    assert propagator.annotated == straight.annotated
    assert propagator.num_objects == straight.num_objects
    assert np.array_equal(propagator.propagate(), straight.propagate())


def test_a_cancelled_round_can_be_propagated_again(net):
    propagator = annotated(net, 2)

    def cancel(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        propagator.propagate(cancel)
    assert propagator.labels[3] is None
    assert np.array_equal(propagator.propagate(), annotated(net, 2).propagate())


def test_labels_are_seen_as_they_are_found(net):
    seen, sure = {}, {}

    def arrived(frame, found, confidence):
        seen[frame], sure[frame] = found, confidence

    labels = annotated(net, 2, 8).propagate(arrived=arrived)
    assert list(seen)[:2] == [2, 8]
    assert sorted(seen) == list(range(len(labels)))
    assert all(np.array_equal(labels[t], found) for t, found in seen.items())
    assert sure[2] == sure[8] == 1
    assert all(0 < own < 1 for t, own in sure.items() if t not in (2, 8))


@pytest.mark.parametrize("num_objects", [2, 11])
def test_sharp_logits_are_sure_and_flat_ones_are_not(net, num_objects):
    def told(scale):
        propagator, sure = annotated(net, 5, num_objects=num_objects), {}
        propagator._sweeps = Scaled(propagator._sweeps, scale)
        propagator.propagate(arrived=lambda frame, _, confidence: sure.update({frame: confidence}))
        assert sure.pop(5) == 1
        return np.array(list(sure.values()))

    flat, plain, sharp = told(0), told(1), told(1000)
    assert (sharp > 0.9).all()
    assert (flat < 0.1).all()
    assert ((flat < plain) & (plain < sharp)).all()


class Scaled:
    """An `AotSweeps` whose logits come out sharper or flatter; the labels stay."""

    def __init__(self, inner, scale):
        self.inner, self.scale = inner, scale

    def run(self, *args, **options):
        for visited in self.inner.run(*args, **options):
            yield visited._replace(logits=visited.logits * self.scale)


def test_half_precision_and_smaller_frames(net):
    plain = annotated(net, 2, 8).propagate()
    for options in (
        {"precision": "bf16", "feature_precision": "bf16"},
        {"feature_precision": "fp16", "feature_bytes": 1},
        {"max_short": 20},
    ):
        propagator = annotated(net, 2, 8, **options)
        labels = propagator.propagate()
        assert labels.shape == plain.shape
        assert (labels == plain).mean() > 0.5
    assert propagator.images.size == (17, 33)


def test_bad_input_is_refused(net):
    propagator = opened(net)
    with pytest.raises(ValueError, match="label 3 with 2 objects"):
        propagator.annotate(0, boxes(3))
    with pytest.raises(ValueError, match="labels of frame 0"):
        propagator.annotate(0, boxes(1)[:5])
    assert not propagator.propagate().any()
    for wrong in ({"mem_every": 0}, {"sweeps_at_once": 0}, {"max_references": 0}, {"precision": "int8"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            AotSettings(**wrong)
