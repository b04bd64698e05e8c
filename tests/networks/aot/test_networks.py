import pytest
import torch

from civos_siaf.networks.aot.encoders import MobileNetV2Encoder, ResNet50Encoder
from civos_siaf.networks.aot.identity import IdentityBank, identity_one_hot
from civos_siaf.networks.aot.swin import SwinEncoder
from civos_siaf.networks.aot.transformer import sine_positions
from civos_siaf.networks.aot.variants import NEVER, VARIANTS
from civos_siaf.networks.identity_network import concatenated, mask_unused
from civos_siaf.networks.prepare import for_inference
from tests.networks.aot.fresh import fresh_aot

SIZE = (49, 81)


@pytest.fixture(scope="module")
def aots():
    return fresh_aot("aots", strength=100)


def labels(*ids, size=SIZE):
    out = torch.zeros(1, *size, dtype=torch.uint8)
    for index, label in enumerate(ids):
        out[:, 8:40, 24 * index + 4 : 24 * index + 22] = label
    return out


def image(seed, size=SIZE):
    return torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("name", "millions"), [("aott", 5.73), ("aots", 7.0), ("aotb", 8.26), ("aotl", 8.26),
                                                ("r50_aotl", 14.91), ("swinb_aotl", 65.4)])  # fmt: skip
def test_sizes_are_the_published_ones(name, millions):
    with torch.device("meta"):
        net = VARIANTS[name].build()
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert VARIANTS[name].mem_every == (5 if name.endswith("l") else NEVER)


@pytest.mark.parametrize(
    ("make", "size"),
    [(MobileNetV2Encoder, (49, 81)), (ResNet50Encoder, (49, 81)), (SwinEncoder, (48, 80))],
)
def test_encoders_give_what_they_say(make, size):
    encoder = make().eval()
    with torch.inference_mode():
        pyramid = encoder(image(0, size))
    assert tuple(x.shape[1] for x in pyramid) == encoder.channels
    rest = size[0] % 16
    assert [tuple(x.shape[2:]) for x in pyramid] == [
        ((size[0] - rest) // s + rest, (size[1] - rest) // s + rest) for s in (4, 8, 16, 16)
    ]
    encoder.freeze_stem()
    frozen = [name for name, p in encoder.named_parameters() if not p.requires_grad]
    assert frozen
    assert all(name.startswith(encoder.stem) for name in frozen)


def test_sides_that_do_not_fit_are_refused(aots):
    with pytest.raises(ValueError, match=r"16k\+1, got 48 x 81"):
        aots.encode_frame(image(0, (48, 81)))


def test_labels_above_ten_belong_to_nobody():
    hot = identity_one_hot(torch.tensor([[[0, 3, 10, 11, 255]]], dtype=torch.uint8))
    assert hot.sum(dim=1).tolist() == [[[1, 1, 1, 0, 0]]]
    assert hot[0, :, 0].argmax(dim=0).tolist()[:3] == [0, 3, 10]


@pytest.mark.parametrize(("aligned", "size"), [(True, (49, 81)), (False, (48, 80))])
def test_identities_fill_the_grid(aligned, size):
    bank = IdentityBank(8, align_corners=aligned).requires_grad_(False)
    tokens = bank(torch.rand(2, 11, *size))
    assert tokens.shape == (2, (size[0] // 16 + aligned) * (size[1] // 16 + aligned), 8)
    flat = bank.weight.view(8, -1)
    kernel = bank.kernel_size[0]
    assert torch.allclose(flat @ flat.T, torch.eye(8) * kernel**-4, atol=1e-9)


@pytest.mark.parametrize(("aligned", "size"), [(True, (49, 81)), (False, (48, 80))])
def test_identities_of_labels_are_those_of_their_masks(aligned, size):
    bank = IdentityBank(8, align_corners=aligned)
    torch.nn.init.normal_(bank.weight)
    maps = torch.cat([labels(1, 10, 255, size=size), torch.full((1, *size), 3, dtype=torch.uint8)])
    maps[0, :, 75:] = torch.randint(0, 11, (size[0], size[1] - 75))
    dense = bank(identity_one_hot(maps))
    with torch.no_grad():
        assert torch.allclose(bank.of_labels(maps), dense, atol=1e-3)
        assert torch.allclose(bank.of_labels(maps.long()), dense, atol=1e-3)
    assert bank.of_labels(maps).requires_grad


def test_positions():
    code = sine_positions(3, 5, 8, torch.device("cpu")).view(3, 5, 8)
    assert torch.equal(code[:, 0, :4], code[:, 4, :4])
    assert torch.equal(code[0, :, 4:], code[2, :, 4:])
    assert code[1, 0, :4].tolist() == pytest.approx([0, -1, 0.0314108, 0.9995066], abs=1e-5)


def test_a_group_answers_the_same_alone_and_in_a_batch(aots):
    with torch.inference_mode():
        first, second = aots.encode_frame(image(1)), aots.encode_frame(image(2))
        both = torch.cat([labels(1, 2), labels(3)])
        maps, memory = aots.reference(first, aots.identify(both))
        together = aots.decode(aots.match(second, memory, memory).maps, second)
        # Keys of the first layer do not depend on masks.
        assert [len(layer.key) for layer in memory] == [1, 2]
        assert [len(layer.value) for layer in memory] == [2, 2]
        assert aots.decode(maps, first).shape == (2, 11, 13, 21)
        for group in range(2):
            _, own = aots.reference(first, aots.identify(both[group : group + 1]))
            alone = aots.decode(aots.match(second, own, own).maps, second)
            assert torch.allclose(alone[0], together[group], atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_the_order_of_memories_has_no_meaning(aots):
    with torch.inference_mode():
        frames = [aots.encode_frame(image(seed)) for seed in range(3)]
        memories = [aots.reference(f, aots.identify(labels(1, k)))[1] for k, f in enumerate(frames[:2])]
        a = aots.match(frames[2], concatenated(memories), memories[0]).maps[-1]
        b = aots.match(frames[2], concatenated(memories[::-1]), memories[0]).maps[-1]
        c = aots.match(frames[2], concatenated(memories), memories[1]).maps[-1]
    assert torch.allclose(a, b, atol=1e-5)
    assert not torch.allclose(a, c, atol=1e-3)


def test_several_frames_go_through_together(aots):
    with torch.inference_mode():
        frames = aots.encode_frame(torch.cat([image(1), image(2)]))
        _, memory = aots.reference(aots.encode_frame(image(0)), aots.identify(labels(1, 2)))
        together = aots.match(frames, memory, memory).maps[-1]
        alone = aots.match(frames.rows(torch.tensor([1])), memory, memory).maps[-1]
    assert torch.allclose(together[1:], alone, atol=1e-5)


def test_unused_identities_are_impossible():
    logits = mask_unused(torch.zeros(2, 11, 1, 1), [3, 10])
    assert (logits[:, :, 0, 0] == 0).sum(dim=1).tolist() == [4, 11]
    assert logits.softmax(dim=1)[0, 4:].max() == 0


@pytest.mark.parametrize("name", ["aott", "r50_aotl", "swinb_aotl"])
def test_prepared_for_inference_it_answers_the_same(name):
    torch.manual_seed(0)
    net = VARIANTS[name].build().eval().requires_grad_(False)
    size = SIZE if net.align_corners else (48, 80)
    fast = for_inference(net)
    assert not any("FrozenBatchNorm2d" in type(m).__name__ for m in fast.modules())
    answers = []
    with torch.inference_mode():
        for each in (net, fast):
            first, second = each.encode_frame(image(1, size)), each.encode_frame(image(2, size))
            _, memory = each.reference(first, each.identify(labels(1, 2, size=size)))
            answers.append(each.decode(each.match(second, memory, memory).maps, second))
    assert torch.allclose(*answers, atol=1e-4 * answers[0].abs().max().item())


def test_gradients_flow_through_memories_to_all_that_is_trained():
    torch.manual_seed(0)
    net = VARIANTS["aots"].build().train()
    for block in net.LSTT.layers:
        block.drop_path.p = 0.0
    frames = [net.encode_frame(image(seed)) for seed in range(3)]
    maps, reference = net.reference(frames[0], net.identify(labels(1, 2)))
    matched = net.match(frames[1], reference, reference)
    short = net.remember(matched.seen, net.identify(labels(1, 2)))
    last = net.match(frames[2], reference, short)
    loss = net.decode(last.maps, frames[2]).square().mean() + net.decode(maps, frames[0]).mean()
    loss.backward()
    without = {name for name, p in net.named_parameters() if p.requires_grad and p.grad is None}
    assert without == set()
    stem = [p for name, p in net.named_parameters() if name.startswith("encoder.features.2.")]
    assert stem
    assert all(p.grad is None for p in stem)
