from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.propagation.propagator import Propagator
from civos_siaf.propagation.settings import PropagationSettings
from tests.propagation.toys import ToyFusion, ToyPropagation, masks, video

FRAMES = video()


def propagator(num_objects=2, *, network=None, observer=None, frames=FRAMES, **options):
    return Propagator(
        network or ToyPropagation(),
        ToyFusion(),
        frames,
        num_objects=num_objects,
        settings=PropagationSettings(**{"mem_every": 2} | options),
        observer=observer,
    )


def everything(p):
    prob = torch.stack([p.masks.prob(t) for t in range(len(p.masks))])
    memory = [(entry.frame, entry.memory.key.clone(), entry.memory.value.clone()) for entry in p._annotated]
    return prob, p.masks.video(), memory


def same(a, b):
    assert torch.equal(a[0], b[0])
    assert np.array_equal(a[1], b[1])
    assert [m[0] for m in a[2]] == [m[0] for m in b[2]]
    for ours, theirs in zip(a[2], b[2], strict=True):
        assert torch.equal(ours[1], theirs[1])
        assert torch.equal(ours[2], theirs[2])


@given(st.lists(st.integers(0, len(FRAMES) - 1), min_size=1, max_size=5), st.integers(0, 4))
@settings(max_examples=20)
def test_restoring_brings_back_masks_memory_and_what_fusion_sees(order, back):
    p = propagator()
    states = [(p.snapshot(), everything(p))]
    for seed, frame in enumerate(order):
        p.interact(masks(2, seed=seed), frame)
        states.append((p.snapshot(), everything(p)))
    snapshot, expected = states[min(back, len(order))]
    p.restore(snapshot)
    same(everything(p), expected)
    # The next round gives what it would have given without the detour.
    straight = propagator()
    for seed, frame in enumerate(order[:back]):
        straight.interact(masks(2, seed=seed), frame)
    p.interact(masks(2, seed=9), 4)
    straight.interact(masks(2, seed=9), 4)
    same(everything(p), everything(straight))


@pytest.mark.parametrize("shared_keys", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3)))[1:])
def test_the_order_of_objects_does_not_matter(order, shared_keys):
    index = torch.tensor([0, *(k + 1 for k in order)])
    results = []
    for chosen in (torch.arange(4), index):
        p = propagator(3, network=ToyPropagation(shared_keys=shared_keys))
        for seed, frame in enumerate((3, 8, 3)):
            p.interact(masks(3, seed=seed)[chosen], frame)
        results.append(torch.stack([p.masks.prob(t) for t in range(len(FRAMES))], dim=1))
    assert torch.allclose(results[0][index], results[1], atol=1e-5)


def test_the_annotated_frame_is_stored_as_given_and_the_limit_is_untouched():
    p = propagator()
    first, second = masks(2, seed=1), masks(2, seed=2)
    p.interact(first, 2)
    p.interact(second, 9)
    assert torch.equal(p.padding.crop(p.masks.prob(2)), first)
    assert torch.equal(p.padding.crop(p.masks.prob(9)), second)
    assert p.masks.prob(9)[:, 0].sum() == 0  # nothing on the rim


def test_no_frame_is_encoded_twice_in_later_rounds():
    network = ToyPropagation()
    p = propagator(network=network)
    for seed, frame in enumerate((0, 11, 5, 5)):
        p.interact(masks(2, seed=seed), frame)
    # Frame 0 is annotated at once, so its features are never wanted.
    assert network.frames_encoded == p.features.encoded == len(FRAMES) - 1


def test_features_beyond_the_budget_are_encoded_again_with_the_same_result():
    labels = []
    for size in (2**30, 1):
        p = propagator(feature_bytes=size)
        p.interact(masks(2), 0)
        labels.append(p.interact(masks(2, seed=1), 11))
        encoded = p.features.encoded
    assert np.array_equal(*labels)
    assert encoded > len(FRAMES)


def test_masks_beyond_the_budget_go_to_a_file_with_the_same_result(tmp_path):
    results = []
    for size in (2**30, 0):
        p = propagator(mask_bytes=size, folder=tmp_path)
        for seed, frame in enumerate((2, 9, 5)):
            p.interact(masks(2, seed=seed), frame)
        results.append(everything(p))
    same(*results)
    # While a round runs, what it replaces is kept, so that it can be cancelled.
    assert len(FRAMES) <= p.masks._shelf.file_bytes / p.masks.prob(0).nbytes <= 2 * len(FRAMES)


def test_every_frame_reads_annotated_kept_and_previous_frames():
    steps = []
    p = propagator(observer=steps.append, mem_every=3)
    p.interact(masks(2), 0)
    assert [s.memory_frames for s in steps] == [1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5]
    assert {s.fused_with for s in steps} == {None}


def test_kept_frames_are_thinned_past_the_limit():
    steps = []
    p = propagator(observer=steps.append, mem_every=1, max_memory_frames=4)
    p.interact(masks(2), 0)
    assert [s.memory_frames for s in steps] == [1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5]


def test_an_object_added_later_is_read_only_where_it_is_known():
    p = propagator(1)
    p.interact(masks(1), 2)
    before = p.masks.prob(5)
    p.add_objects()
    assert torch.equal(p.masks.prob(5)[:2], before)
    assert p.masks.prob(5)[2].sum() == 0
    labels = p.interact(masks(2, seed=3), 8)
    assert (labels[8] == 2).any()
    assert p.masks.prob(9)[2].sum() > 0
    assert (labels[2] != 2).all()
    # What the new object becomes does not depend on frames annotated before it existed.
    alone = propagator(2)
    alone.interact(masks(2, seed=3), 8)
    assert p._bank._starts == [0, 1]
    assert alone._bank._starts == [0, 0]


@pytest.mark.parametrize("shared_keys", [False, True])
def test_with_a_new_object_the_old_ones_still_read_everything(shared_keys):
    steps = []
    p = propagator(1, network=ToyPropagation(shared_keys=shared_keys), observer=steps.append)
    p.interact(masks(1), 2)
    p.add_objects(2)
    steps.clear()
    p.interact(masks(3, seed=3), 8)
    assert steps[0].memory_frames == 2
    assert steps[0].current.shape[0] == 4


def test_a_cancelled_round_leaves_nothing_behind():
    p = propagator()
    p.interact(masks(2), 2)
    expected = everything(p)

    def cancel(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        p.interact(masks(2, seed=1), 8, cancel)
    same(everything(p), expected)
    assert p.annotated == (2,)


def test_progress_counts_the_visited_frames():
    seen = []
    propagator().interact(masks(2), 4, lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, 11) for i in range(11)]


@given(
    st.lists(st.integers(0, len(FRAMES) - 1), max_size=3),
    st.sets(st.integers(0, len(FRAMES) - 1), min_size=1, max_size=4),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_frames_known_to_come_change_nothing_but_the_work(before, together, fused):
    found, visits = [], []
    for knows in (False, True):
        p, seen, arrivals = propagator(), [], []
        p.fusion = p.fusion if fused else None
        for seed, frame in enumerate(before):
            p.interact(masks(2, seed=seed), frame)
        p.observer = seen.append
        order = sorted(together)
        for place, frame in enumerate(order):
            coming = order[place + 1 :] if knows else ()
            new = masks(2, seed=20 + frame)
            p.annotate(new, frame, arrived=lambda *arrival, to=arrivals: to.append(arrival), coming=coming)
        found.append((everything(p), {t: sure for t, _, sure in arrivals}))
        visits.append(len(seen))
    same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert visits[1] <= visits[0]
    if not before:
        assert visits[1] <= 2 * len(FRAMES)


def test_where_every_frame_is_annotated_only_the_next_one_is_visited():
    seen = []
    p = propagator(observer=lambda step: seen.append(step.frame))
    for frame in range(len(FRAMES)):
        p.annotate(masks(2, seed=frame), frame, coming=range(frame + 1, len(FRAMES)))
    assert seen == list(range(1, len(FRAMES)))


def test_shown_masks_are_seen_until_the_next_round_and_change_nothing_else():
    p = propagator()
    p.interact(masks(2), 2)
    prob, labels, _ = everything(p)
    p.show(masks(2, seed=5), 6)
    shown = p.masks.video()
    assert np.array_equal(shown[6], masks(2, seed=5).argmax(dim=0))
    assert torch.equal(p.masks.prob(6), prob[6])
    shown[:] = 9
    assert not (p.masks.video() == 9).any()
    assert not np.array_equal(p.masks.labels(6), labels[6])
    after = p.interact(masks(2, seed=1), 9)
    straight = propagator()
    straight.interact(masks(2), 2)
    assert np.array_equal(after, straight.interact(masks(2, seed=1), 9))


def test_an_outdated_memory_can_be_replaced():
    for keep, expected in ((True, (3, 8, 3)), (False, (8, 3))):
        p = propagator(keep_outdated=keep)
        for seed, frame in enumerate((3, 8, 3)):
            p.interact(masks(2, seed=seed), frame)
        assert p.annotated == expected


def test_the_rim_can_be_background():
    p = propagator(empty_rim=False)
    p.interact(masks(2), 3)
    assert p.padding.top > 0
    assert torch.equal(p.masks.prob(3).sum(dim=0), torch.ones(p.padding.size))


@pytest.mark.parametrize("wrong", [(2, 40, 70), (3, 40, 71), (3, 48, 70)])
def test_masks_of_another_shape_are_refused(wrong):
    with pytest.raises(ValueError, match="must have shape"):
        propagator().interact(torch.zeros(wrong), 0)


def test_settings_refuse_values_out_of_range():
    for options in ({"mem_every": 0}, {"max_memory_frames": 0}, {"top_k": 0}, {"precision": "int8"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            PropagationSettings(**options)


def test_reduced_precision_runs():
    p = propagator(precision="bf16", feature_precision="fp16")
    assert p.interact(masks(2), 0).shape == (len(FRAMES), 40, 70)


def test_a_sweep_reads_one_annotated_frame_where_the_paper_says_so():
    """Round 2 reads two annotated frames in the published code, and its own in the paper."""
    read = {}
    for earlier in (True, False):
        steps = []
        propagator = Propagator(
            ToyPropagation(),
            None,
            video(12),
            num_objects=1,
            settings=PropagationSettings(mem_every=3, earlier_annotated=earlier),
            observer=steps.append,
        )
        propagator.interact(masks(1, seed=1), 2)
        steps.clear()
        propagator.interact(masks(1, seed=2), 8)
        read[earlier] = [step.memory_frames for step in steps if step.frame > 8]
    # Its own, and the one before; every third; of the frame before there is one that is not kept.
    assert read[False] == [1, 2, 2]
    assert read[True] == [2, 3, 3]


def test_fusion_does_not_make_a_mask_doubtful():
    """Its probabilities say which mask it takes, not how sure that is."""

    class Undecided(ToyFusion):
        def __call__(self, *arguments, **options):
            return 0.05 * super().__call__(*arguments, **options)

    given = masks(2, seed=1)
    told = []
    for fusion in (ToyFusion(), Undecided()):
        p, sure = propagator(), {}
        p.fusion = fusion
        p.annotate(given, 2)
        p.annotate(
            given, 9, arrived=lambda frame, labels, confidence, sure=sure: sure.update({frame: confidence})
        )
        told.append(sure)
    assert told[0].keys() >= set(range(3, 12))
    assert told[0] == pytest.approx(told[1])


def test_where_both_masks_of_a_fused_frame_disagree_it_is_doubtful():
    found = []
    for second in (masks(1, seed=1), masks(1, seed=2)):
        p, sure = propagator(1), {}
        p.annotate(masks(1, seed=1), 2)
        p.annotate(
            second, 9, arrived=lambda frame, labels, confidence, sure=sure: sure.update({frame: confidence})
        )
        found.append(np.mean([sure[t] for t in range(4, 8)]))
    assert found[1] < found[0] - 0.1
