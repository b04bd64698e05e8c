import pytest
import torch

from civos_siaf.networks.afi.deformable import DeformableAttention, reference_points

SHAPES = [(6, 10), (3, 5)]
COUNT = 75


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return DeformableAttention(16, heads=4, points=3)


def bilinear(plane, x, y):
    """Value (c,) of a plane (c, h, w) at pixel coordinates; zeros outside."""
    total = torch.zeros(plane.shape[0])
    x0, y0 = int(torch.floor(x)), int(torch.floor(y))
    for column in (x0, x0 + 1):
        for row in (y0, y0 + 1):
            if 0 <= column < plane.shape[2] and 0 <= row < plane.shape[1]:
                total += plane[:, row, column] * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


def slowly(module, queries, tokens):
    """One image, by loops: (S, C)."""
    width = tokens.shape[1] // module.heads
    values = module.value(tokens).view(COUNT, module.heads, width)
    offsets = module.offsets(queries).view(COUNT, module.heads, module.levels, module.points, 2)
    weights = module.weights(queries).view(COUNT, module.heads, -1).softmax(-1)
    references = reference_points(SHAPES, torch.device("cpu"))
    out = torch.zeros(COUNT, module.heads, width)
    for s in range(COUNT):
        for m in range(module.heads):
            start = 0
            for level, (rows, columns) in enumerate(SHAPES):
                plane = values[start : start + rows * columns, m].T.reshape(width, rows, columns)
                start += rows * columns
                for k in range(module.points):
                    x = references[s, 0] * columns + offsets[s, m, level, k, 0] - 0.5
                    y = references[s, 1] * rows + offsets[s, m, level, k, 1] - 0.5
                    out[s, m] += weights[s, m, level * module.points + k] * bilinear(plane, x, y)
    return module.output(out.flatten(1))


@torch.no_grad()
def test_it_is_what_loops_say(attention):
    torch.nn.init.normal_(attention.offsets.weight, std=0.3)
    torch.nn.init.normal_(attention.weights.weight, std=0.3)
    queries, tokens = torch.randn(2, COUNT, 16), torch.randn(2, COUNT, 16)
    found = attention(queries, tokens, SHAPES)
    for i in range(2):
        assert torch.allclose(found[i], slowly(attention, queries[i], tokens[i]), atol=1e-5)


@torch.no_grad()
def test_without_offsets_it_is_the_mean_of_the_levels_where_the_token_is(attention):
    attention.offsets.bias.zero_()
    for linear in (attention.value, attention.output):
        linear.weight.copy_(torch.eye(16))
    tokens = torch.randn(1, COUNT, 16)
    found = attention(tokens, tokens, SHAPES)[0]
    planes = [t.T.view(16, *s) for t, s in zip(tokens[0].split([60, 15]), SHAPES, strict=True)]
    for s, (x, y) in enumerate(reference_points(SHAPES, torch.device("cpu"))):
        seen = [bilinear(p, x * p.shape[2] - 0.5, y * p.shape[1] - 0.5) for p in planes]
        assert torch.allclose(found[s], (seen[0] + seen[1]) / 2, atol=1e-5)


def test_heads_begin_by_looking_around(attention):
    places = attention.offsets.bias.view(4, 2, 3, 2)
    assert torch.equal(places[:, 0], places[:, 1])
    assert torch.allclose(places[0, 0], torch.tensor([[1.0, 0], [2, 0], [3, 0]]), atol=1e-6)
    assert torch.allclose(places[1, 0, 2], torch.tensor([0.0, 3]), atol=1e-6)
