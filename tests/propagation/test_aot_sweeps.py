import numpy as np
import pytest
import torch

from civos_siaf.networks.aot.transformer import KeyValue
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.aot_sweeps import side_by_side
from civos_siaf.propagation.images import resize_labels
from civos_siaf.propagation.sweeps import TruncatedSweep, truncated_sweeps
from tests.propagation.aot_toys import FRAMES, HEIGHT, WIDTH, annotated


def run(propagator, sweeps, references=None):
    references = propagator.annotated if references is None else references
    memories = {frame: propagator.memories[frame] for frame in references}
    found = propagator._sweeps.run(sweeps, memories, num_objects=propagator.num_objects)
    return {visited.frame: visited.labels.numpy() for visited in found}


def test_a_sweep_is_an_engine_that_reads_all_annotated_frames(net):
    propagator = annotated(net, 2, 8)
    labels = propagator.propagate()
    engine = AotEngine(net, mem_every=2)
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
@pytest.mark.parametrize("options", [{}, {"max_references": 2}, {"max_memory_frames": 4}])
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


def test_side_by_side_keeps_the_groups_of_each_sweep():
    def memory(n):
        return (KeyValue(torch.full((1, 1, 2, 1), n), torch.tensor([n, n + 1]).view(2, 1, 1, 1)),)

    first, second = memory(1.0), memory(5.0)
    ((key, value),) = side_by_side([first, second])
    assert key[:, 0, 0, 0].tolist() == [1, 1, 5, 5]
    assert value.flatten().tolist() == [1, 2, 5, 6]
    assert side_by_side([first]) is first
