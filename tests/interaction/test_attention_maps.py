import pytest
import torch

from civos_siaf.interaction.attention_maps import attention_maps, looked_at
from civos_siaf.networks.afi.backbones import MobileNetBackbone
from civos_siaf.networks.afi.variants import published

SIZE = (64, 96)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return published(MobileNetBackbone(), width=32, low_width=16).eval()


def inputs(frames=2):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(1, frames, 3, *SIZE, generator=generator)
    return images, torch.zeros(1, frames, 11, *SIZE), torch.zeros(1, frames, 11, *SIZE)


def test_shares_of_all_frames_are_one(network):
    maps = attention_maps(network, *inputs(), point=(1, 40, 90))
    assert maps.shape == (2, 4, 6)
    assert (maps >= 0).all()
    assert float(maps.sum()) == pytest.approx(1, abs=1e-5)
    other = attention_maps(network, *inputs(), point=(0, 0, 0))
    assert not torch.allclose(maps, other)


def test_they_are_the_shares_that_the_network_uses(network):
    """The shares times the values are what attention itself puts out."""
    between = network.across.between
    torch.manual_seed(2)
    tokens, positions = torch.randn(1, 10, 32), torch.randn(10, 32)
    for head in range(between.heads):
        assert between.query.weight.shape[0] % between.heads == 0, head
    with torch.inference_mode():
        plain = between.norm1(tokens)
        value = between.value(plain)[0]
        alone = type(between)(32, heads=1, hidden=8).eval()
        shares = looked_at(alone, tokens, positions, 3)
        seen = shares @ alone.value(alone.norm1(tokens))[0]
        before_feed = tokens[0, 3] + alone.output(seen)
        expected = before_feed + alone.feed(alone.norm2(before_feed))
        torch.testing.assert_close(alone(tokens, positions)[0, 3], expected)
    assert value.shape == (10, 32)


def test_what_cannot_be_drawn_is_refused(network):
    with pytest.raises(ValueError, match=r"point \(2, 0, 0\): there are 2 frames of 64x96 pixels"):
        attention_maps(network, *inputs(), point=(2, 0, 0))
    without = published(MobileNetBackbone(), across=False, width=32, low_width=16).eval()
    with pytest.raises(ValueError, match="no across-frame attention"):
        attention_maps(without, *inputs(), point=(0, 0, 0))
