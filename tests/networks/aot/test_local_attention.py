import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.networks.aot.local_attention import FORMS, tiled


def arguments(size, *, radius=2, heads=2, depth=4, batches=(1, 1, 1), seed=0):
    g = torch.Generator().manual_seed(seed)
    count, reach = math.prod(size), (2 * radius + 1) ** 2

    def noise(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    q, k, v = (noise(batch, heads, count, depth) for batch in batches)
    return q, k, v, noise(heads, depth, reach), noise(heads, reach), noise(heads, reach, depth), size


def by_definition(q, k, v, weight, bias, embedding, size):
    """Query by query, displacement by displacement."""
    radius = (math.isqrt(bias.shape[-1]) - 1) // 2
    batch = max(len(q), len(k), len(v))
    q, k, v = (x.expand(batch, -1, -1, -1).unflatten(2, size) for x in (q, k, v))
    out = torch.zeros_like(q)
    for b in range(batch):
        for g in range(q.shape[1]):
            for i in range(size[0]):
                for j in range(size[1]):
                    logits, values = [], []
                    for r in range(bias.shape[-1]):
                        y, x = i + r // (2 * radius + 1) - radius, j + r % (2 * radius + 1) - radius
                        if 0 <= y < size[0] and 0 <= x < size[1]:
                            query = q[b, g, i, j]
                            logits.append(query @ k[b, g, y, x] + query @ weight[g, :, r] + bias[g, r])
                            values.append(v[b, g, y, x] + embedding[g, r])
                    out[b, g, i, j] = torch.stack(logits).softmax(0) @ torch.stack(values)
    return out.flatten(2, 3)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", [(1, 1), (3, 11), (9, 10)])
@pytest.mark.parametrize("batches", [(1, 1, 1), (1, 1, 2), (2, 2, 1), (2, 2, 2)])
def test_every_form_is_the_definition(name, size, batches):
    given = arguments(size, batches=batches)
    assert torch.allclose(FORMS[name](*given), by_definition(*given), atol=1e-10)


@settings(max_examples=25)
@given(st.integers(1, 19), st.integers(1, 19), st.integers(1, 7), st.integers(0, 99))
def test_forms_agree(height, width, radius, seed):
    given = arguments((height, width), radius=radius, seed=seed)
    first = FORMS["unfolded"](*given)
    for name in ("shifted", "masked", "tiled"):
        assert torch.allclose(FORMS[name](*given), first, atol=1e-9), name


@pytest.mark.parametrize("name", FORMS)
def test_gradients_are_those_of_the_definition(name):
    given = arguments((3, 9), radius=1)
    tensors = [x.requires_grad_() for x in given[:-1]]
    mine = torch.autograd.grad(FORMS[name](*given).square().sum(), tensors)
    theirs = torch.autograd.grad(by_definition(*given).square().sum(), tensors)
    for a, b in zip(mine, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-8)


@pytest.mark.parametrize("name", FORMS)
def test_training_follows_inference(name):
    given = arguments((4, 13), radius=1)
    with torch.inference_mode():
        FORMS[name](*given)
    given[0].requires_grad_()
    FORMS[name](*given).sum().backward()
    assert given[0].grad.abs().sum() > 0


def test_what_lies_outside_the_window_has_no_influence():
    q, k, v, *rest = arguments((12, 12), radius=2)
    before = tiled(q, k, v, *rest).unflatten(2, (12, 12))
    k, v = k.clone(), v.clone()
    k.unflatten(2, (12, 12))[:, :, 8:] += 3
    v.unflatten(2, (12, 12))[:, :, 8:] += 3
    after = tiled(q, k, v, *rest).unflatten(2, (12, 12))
    assert torch.equal(before[:, :, :6], after[:, :, :6])
    assert not torch.allclose(before[:, :, 6], after[:, :, 6])
