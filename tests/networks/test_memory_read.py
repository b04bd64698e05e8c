import pytest
import torch

from civos_siaf.networks import memory_read
from civos_siaf.networks.memory_read import read_memory, transfer


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
@pytest.mark.parametrize("grad", [False, True])
def test_reading(groups, top_k, grad, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    keys = torch.randn(groups, 20, 6, generator=generator)
    values = torch.randn(3, 20, 4, generator=generator)
    query = torch.randn(6, 11, generator=generator)
    monkeypatch.setattr(memory_read, "CHUNK", 60)  # several chunks
    with torch.set_grad_enabled(grad):
        ours = read_memory(keys, values.requires_grad_(grad), query, top_k=top_k)
        if grad:
            ours.sum().backward()
            assert values.grad.abs().sum() > 0
    assert torch.allclose(ours.detach(), by_definition(keys, values.detach(), query, top_k), atol=1e-5)


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
