import numpy as np
import torch

from tests.propagation.aot_toys import Everywhere, annotated, boxes, opened


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


def test_an_object_named_for_the_first_time_is_new_too(net):
    propagator = opened(net, 3)
    propagator.annotate(2, boxes(1, 2), objects=[1, 2])
    propagator.propagate()
    propagator._sweeps = Everywhere(propagator._sweeps)
    propagator.annotate(8, boxes(1, 2, 3), objects=[1, 2, 3])
    assert 3 in propagator.propagate()[2]
