import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.networks.aot.transformer import KeyValue
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.aot_images import resize_labels
from civos_siaf.propagation.aot_propagator import AotPropagator
from civos_siaf.propagation.aot_sweeps import side_by_side
from civos_siaf.propagation.settings import AotSettings
from civos_siaf.propagation.truncated import TruncatedSweep, truncated_sweeps
from tests.propagation.toys import video

HEIGHT, WIDTH, FRAMES = 40, 60, 12
VIDEO = video(FRAMES, HEIGHT, WIDTH)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = VARIANTS["aots"].build().eval().requires_grad_(False)
    # Fresh identities are too weak to be seen in the labels.
    net.patch_wise_id_bank.weight.mul_(300)
    return net


def boxes(*ids, shift=0):
    """A box per object, side by side."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, label in enumerate(ids):
        left = (5 * place + shift) % (WIDTH - 5)
        labels[5 + place % 3 * 10 :, left : left + 5] = label
    return labels


def opened(net, num_objects=2, **options):
    return AotPropagator(net, VIDEO, num_objects=num_objects, settings=AotSettings(**{"gap": 2, **options}))


def run(propagator, sweeps, references=None):
    references = propagator.annotated if references is None else references
    memories = {frame: propagator.memories[frame] for frame in references}
    found = propagator._sweeps.run(sweeps, memories, num_objects=propagator.num_objects)
    return {visited.frame: visited.labels.numpy() for visited in found}


def annotated(net, *frames, num_objects=2, **options):
    propagator = opened(net, num_objects, **options)
    for place, frame in enumerate(frames):
        propagator.annotate(frame, boxes(*range(1, num_objects + 1), shift=7 * place))
    return propagator


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


def test_a_sweep_is_an_engine_that_reads_all_annotated_frames(net):
    propagator = annotated(net, 2, 8)
    labels = propagator.propagate()
    engine = AotEngine(net, gap=2)
    engine.begin([propagator.memories[8], propagator.memories[2]], propagator.memories[8])
    counts = []
    for frame in (9, 10, 11):
        logits = engine.propagate(propagator.features[frame])
        own = net.resize(logits[:, :3], (HEIGHT, WIDTH)).argmax(dim=1).to(torch.uint8)
        assert np.array_equal(own[0].numpy(), labels[frame])
        engine.update(resize_labels(own, propagator.images.size))
        counts.append(engine.long.num_frames)
    assert counts == [2, 3, 3]


@pytest.mark.parametrize("num_objects", [2, 11])
def test_sweeps_do_not_depend_on_their_order(net, num_objects):
    propagator = annotated(net, 1, 6, 9, num_objects=num_objects)
    sweeps = truncated_sweeps((1, 6, 9), FRAMES)
    forward, backward = run(propagator, sweeps), run(propagator, sweeps[::-1])
    alone = {k: v for sweep in sweeps for k, v in run(propagator, [sweep]).items()}
    assert sorted(forward) == [0, 2, 3, 4, 5, 7, 8, 10, 11]
    for frame, labels in forward.items():
        assert np.array_equal(labels, backward[frame])
        assert np.array_equal(labels, alone[frame])


@pytest.mark.parametrize("num_objects", [2, 11])
@pytest.mark.parametrize("options", [{}, {"max_references": 2}, {"max_frames": 4}])
def test_sweeps_at_once_are_those_one_by_one(net, num_objects, options):
    one, many = (
        annotated(net, 1, 6, 9, num_objects=num_objects, sweeps_at_once=count, **options) for count in (1, 4)
    )
    sweeps = truncated_sweeps((1, 6, 9), FRAMES)
    alone, together = run(one, sweeps), run(many, sweeps)
    assert sorted(alone) == sorted(together)
    for frame, labels in alone.items():
        assert (labels != together[frame]).mean() < 0.002  # pixels in which rounding decides


def test_ended_sweeps_leave_the_batch(net):
    propagator = annotated(net, 0, 11, sweeps_at_once=2)
    batches = []
    match = net.match

    def noted(frame, long, short):
        batches.append(len(frame.key))
        return match(frame, long, short)

    net.match = noted
    try:
        run(propagator, [TruncatedSweep(0, range(1, 3)), TruncatedSweep(11, range(10, 4, -1))])
    finally:
        del net.match
    assert batches == [2, 2, 1, 1, 1, 1]


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


@settings(max_examples=8, deadline=None)
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


def same(a, b):
    return all(torch.equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True))


def test_memories_grow_with_the_groups(net):
    propagator = annotated(net, 3, num_objects=9)
    first = propagator.propagate()
    propagator.add_objects(4)
    propagator.annotate(8, boxes(*range(1, 14), shift=3), objects=range(1, 10))
    labels = propagator.propagate()
    assert [len(memory[0].value) for memory in propagator.memories.all()] == [2, 2]
    assert np.array_equal(labels[3], first[3])
    fresh = opened(net, 13)
    fresh.annotate(3, boxes(*range(1, 10)))
    fresh.annotate(8, boxes(*range(1, 14), shift=3))
    assert same(fresh.memories[3], propagator.memories[3])
    assert np.array_equal(fresh.propagate(), labels)


class Everywhere:
    """An `AotSweeps` that finds the last object in the upper half of every frame."""

    def __init__(self, inner):
        self.inner, self.calls = inner, []

    def run(self, sweeps, references, *, num_objects):
        self.calls.append(([(s.source, list(s.frames)) for s in sweeps], sorted(references)))
        for visited in self.inner.run(sweeps, references, num_objects=num_objects):
            labels = torch.full_like(visited.labels, 1)
            labels[:20] = num_objects
            yield visited._replace(labels=labels)


def test_new_objects_are_added_to_older_annotations_where_these_are_background(net):
    propagator = annotated(net, 2, 5, 10)
    propagator.propagate()
    old = {frame: propagator.labels[frame] for frame in (2, 5, 10)}
    value = propagator.memories[5][0].value
    propagator.add_objects()
    propagator._sweeps = Everywhere(propagator._sweeps)
    propagator.annotate(7, boxes(1, 2, 3))
    seen = []
    labels = propagator.propagate(lambda done, total: seen.append((done, total)))
    first, second = propagator._sweeps.calls
    assert first == ([(7, [6, 5, 4, 3, 2]), (7, [8, 9, 10])], [7])
    assert second[1] == [2, 5, 7, 10]
    assert seen[-1] == (8 + 8, 8 + 8)
    assert np.array_equal(labels[7], boxes(1, 2, 3))
    for frame in (2, 5, 10):
        expected = old[frame].copy()
        expected[:20][expected[:20] == 0] = 3
        assert np.array_equal(labels[frame], expected)
    assert not torch.equal(value, propagator.memories[5][0].value)
    # Known everywhere now: the next round is an ordinary one.
    propagator.annotate(0, boxes(1))
    propagator.propagate()
    assert len(propagator._sweeps.calls) == 3
    assert propagator._sweeps.calls[2][1] == [0, 2, 5, 7, 10]


def test_frames_that_know_different_objects_tell_each_other(net):
    propagator = opened(net, 2)
    propagator.annotate(2, boxes(1), objects=[1])
    propagator.annotate(5, boxes(2), objects=[2])
    propagator._sweeps = Everywhere(propagator._sweeps)
    labels = propagator.propagate()
    assert propagator._sweeps.calls[:2] == [([(5, [4, 3, 2])], [5]), ([(2, [3, 4, 5])], [2])]
    assert np.array_equal(labels[2] == 1, boxes(1) == 1)
    assert 2 in labels[2][:20]
    assert np.array_equal(labels[5] == 2, boxes(2) == 2)
    assert 1 in labels[5][20:]


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


def test_an_object_named_for_the_first_time_is_new_too(net):
    propagator = opened(net, 3)
    propagator.annotate(2, boxes(1, 2), objects=[1, 2])
    propagator.propagate()
    propagator._sweeps = Everywhere(propagator._sweeps)
    propagator.annotate(8, boxes(1, 2, 3), objects=[1, 2, 3])
    assert 3 in propagator.propagate()[2]


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
    for wrong in ({"gap": 0}, {"sweeps_at_once": 0}, {"max_references": 0}, {"precision": "int8"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            AotSettings(**wrong)


def test_side_by_side_keeps_the_groups_of_each_sweep():
    def memory(n):
        return (KeyValue(torch.full((1, 1, 2, 1), n), torch.tensor([n, n + 1]).view(2, 1, 1, 1)),)

    first, second = memory(1.0), memory(5.0)
    ((key, value),) = side_by_side([first, second])
    assert key[:, 0, 0, 0].tolist() == [1, 1, 5, 5]
    assert value.flatten().tolist() == [1, 2, 5, 6]
    assert side_by_side([first]) is first
