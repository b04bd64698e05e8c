import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.training import loader
from civos_siaf.training.distribution import Process
from civos_siaf.training.loader import BatchPlan, batches
from tests.training.tiny import TinyData

counts = st.integers(1, 5)


@given(batch_size=counts, accumulate=counts, world_size=counts, steps=counts)
def test_every_item_is_used_once(batch_size, accumulate, world_size, steps):
    plan = BatchPlan(batch_size=batch_size, accumulate=accumulate, world_size=world_size)
    used = [
        index
        for step in range(steps)
        for rank in range(world_size)
        for part in range(accumulate)
        for index in plan.indices(step, rank=rank, part=part)
    ]
    assert sorted(used) == list(range(steps * plan.items_per_step))


@given(share=st.sampled_from([(1, 12), (2, 6), (3, 4), (4, 3), (6, 2)]), step=st.integers(0, 9))
def test_a_step_holds_the_same_items_however_it_is_split(share, step):
    world_size, batch_size = share
    plan = BatchPlan(batch_size=batch_size, world_size=world_size)
    items = {i for rank in range(world_size) for i in plan.indices(step, rank=rank, part=0)}
    assert items == set(range(12 * step, 12 * step + 12))


def test_a_loader_can_begin_anywhere():
    plan = BatchPlan(batch_size=2, accumulate=2)
    options = {"seed": 4, "process": Process(), "workers": 0}
    whole = list(batches(TinyData(), plan, range(5), **options))
    late = list(batches(TinyData(), plan, range(3, 5), **options))
    assert len(whole) == 10
    for one, other in zip(whole[6:], late, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert late[0]["index"].tolist() == [12, 13]
    others = next(iter(batches(TinyData(), plan, range(1), seed=5, process=Process(), workers=0)))
    assert not torch.equal(whole[0]["image"], others["image"])


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="batch_size must be 1 or more, got 0"):
        BatchPlan(batch_size=0)


def test_little_shared_memory_changes_nothing_but_the_way(monkeypatch, caplog):
    options = {"seed": 4, "process": Process(), "workers": 1}
    plan = BatchPlan(batch_size=2)
    whole = list(batches(TinyData(), plan, range(2), **options))
    monkeypatch.setattr(loader, "shared_memory", lambda: 64 << 20)
    monkeypatch.setattr(torch.UntypedStorage, "_new_shared", None)  # whoever wants some fails
    piped = list(batches(TinyData(), plan, range(2), **options))
    assert "has 64 MiB: batches go through pipes" in caplog.text
    for one, other in zip(whole, piped, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
