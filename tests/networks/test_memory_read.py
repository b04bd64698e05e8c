import pytest
import torch

from civos_siaf.networks import memory_read
from civos_siaf.networks.memory_read import affinity, read_memory, transfer


def by_definition(keys, values, query, top_k):
    out = []
    for k in range(len(values)):
        logits = (keys[min(k, len(keys) - 1)] @ query) / query.shape[0] ** 0.5
        if top_k is not None:
            limit = logits.topk(min(top_k, len(logits)), dim=0).values[-1]
            logits = logits.masked_fill(logits < limit, -torch.inf)
        out.append(values[k].t() @ logits.softmax(dim=0))
    return torch.stack(out)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("top_k", [None, 1, 5, 50])
def test_reading(groups, top_k, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    keys = torch.randn(groups, 20, 6, generator=generator)
    values = torch.randn(3, 20, 4, generator=generator)
    query = torch.randn(6, 11, generator=generator)
    monkeypatch.setattr(memory_read, "CHUNK", 60)  # several chunks
    with torch.inference_mode():
        ours = read_memory(keys, values, query, top_k=top_k)
    assert torch.allclose(ours, by_definition(keys, values, query, top_k), atol=1e-5)


def test_a_memory_smaller_than_top_k_is_read_whole():
    keys, values, query = torch.randn(1, 9, 3), torch.randn(2, 9, 2), torch.randn(3, 4)
    assert torch.equal(
        read_memory(keys, values, query, top_k=50), read_memory(keys, values, query, top_k=None)
    )


def test_transfer_moves_maps_to_where_the_keys_are():
    memory = torch.zeros(1, 2, 2, 2)
    memory[0, :, 0, 0] = 100
    query = torch.zeros(1, 2, 2, 2)
    query[0, :, 1, 1] = 100
    maps = torch.zeros(3, 1, 2, 2)
    maps[:, :, 0, 0] = 1
    carried = transfer(memory, query, maps)
    assert carried.shape == maps.shape
    assert torch.allclose(carried[:, 0, 1, 1], torch.ones(3))
    assert torch.allclose(carried[:, 0, 0, 0], torch.full((3,), 0.25))


def test_float32_keys_are_read_exactly_under_autocast():
    generator = torch.Generator().manual_seed(0)
    points = 10 * torch.randn(1, 7, 4, 6, generator=generator)
    # With the squared length as a channel, as `LightPropagation` has them.
    keys = torch.cat([2 * points, -points.square().sum(dim=1, keepdim=True)], dim=1)
    query = torch.cat([points, torch.ones(1, 1, 4, 6)], dim=1)
    rows, values = keys.flatten(2).transpose(1, 2), torch.randn(3, 24, 4, generator=generator)
    maps = torch.rand(3, 2, 4, 6, generator=generator)
    columns = query[0].flatten(1)

    @torch.inference_mode()
    def found():
        reads = [read_memory(rows, values, columns, top_k=k) for k in (None, 5)]
        return [affinity(rows, columns), *reads, transfer(keys, query, maps)]

    expected = found()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = found()
        half = read_memory(rows, values.bfloat16(), columns, top_k=None)  # as a network gives them
    assert torch.equal(again[0], expected[0])
    assert torch.equal(again[3], expected[3])
    for top_k, before, after in zip((None, 5), expected[1:3], again[1:3], strict=True):
        # What is read may be rounded where all positions are summed, but not what is looked for.
        assert torch.allclose(before, after, atol=0 if top_k else 0.02)
    assert half.dtype == torch.bfloat16
    assert torch.allclose(expected[1], half.float(), atol=0.05)


def test_half_keys_stay_half_under_autocast():
    keys, query = torch.randn(1, 24, 8).bfloat16(), torch.randn(8, 6).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert affinity(keys, query).dtype == torch.bfloat16
        assert read_memory(keys, torch.randn(2, 24, 4).bfloat16(), query, top_k=5).dtype == torch.bfloat16
