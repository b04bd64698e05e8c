import torch

from civos_siaf.networks.identity_network import concatenated
from civos_siaf.networks.light_identity import LightIdentity, read_all, strongest_other
from civos_siaf.networks.prepare import for_inference
from civos_siaf.propagation.aot_memory import batched


def network():
    torch.manual_seed(0)
    net = LightIdentity().eval().requires_grad_(False)
    torch.nn.init.normal_(net.decoder.out.weight, std=0.05)
    return net


def labels(*boxes, size=(48, 64)):
    """Labels (1, H, W) with objects 1, 2, ... in boxes (top, left, bottom, right)."""
    out = torch.zeros(1, *size, dtype=torch.int64)
    for k, (top, left, bottom, right) in enumerate(boxes, 1):
        out[0, top:bottom, left:right] = k
    return out


BOXES = ((0, 0, 32, 16), (16, 32, 48, 64))


@torch.inference_mode()
def test_an_untrained_network_gives_back_what_a_frame_itself_remembers():
    torch.manual_seed(0)
    net = LightIdentity().eval()
    net.key_proj.weight.mul_(100)  # so that every position looks like itself alone
    image, truth = torch.rand(1, 3, 48, 64), labels(*BOXES)
    frame = net.encode_frame(image)
    maps, _ = net.reference(frame, net.identify(truth))
    answer = net.resize(net.decode(maps, frame), (48, 64)).argmax(dim=1)
    assert (answer == truth).float().mean() > 0.95


@torch.inference_mode()
def test_groups_are_matched_as_each_alone():
    net = network()
    images = torch.rand(3, 1, 3, 48, 64)
    old, other, now = (net.encode_frame(image) for image in images)
    groups = [labels(*BOXES), labels(BOXES[1])]
    both = net.identify(torch.cat(groups))
    references = concatenated([net.reference(frame, both)[1] for frame in (old, other)])
    together = net.decode(net.match(now, references, net.reference(other, both)[1]).maps, now)
    assert together.shape == (2, 11, 12, 16)
    for i, group in enumerate(groups):
        own = [net.reference(frame, net.identify(group))[1] for frame in (old, other)]
        matched = net.match(now, concatenated(own), own[1])
        alone = net.decode(matched.maps, now)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-4)
    frames, swept = now.rows(torch.tensor([0, 0])), batched([own[1], own[1]])
    sweeps = net.decode(net.match(frames, swept, swept).maps, frames)
    assert torch.allclose(sweeps[1:], net.decode(net.match(now, own[1], own[1]).maps, now), atol=1e-4)


@torch.inference_mode()
def test_what_is_remembered_of_a_frame_does_not_depend_on_how_it_was_reached():
    net = network()
    frame, identity = net.encode_frame(torch.rand(1, 3, 48, 64)), net.identify(labels(*BOXES))
    memory = net.reference(frame, identity)[1]
    other = net.remember(net.match(frame, memory, memory).seen, identity)
    assert all(torch.equal(a, b) for a, b in zip(memory[0], other[0], strict=True))


@torch.inference_mode()
def test_it_can_be_prepared_for_inference():
    net = network()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
    fast = for_inference(net)
    image, identity = torch.rand(1, 3, 64, 64), net.identify(labels(*BOXES, size=(64, 64)))
    answers = []
    for each in (net, fast):
        frame = each.encode_frame(image)
        answers.append(each.decode(each.reference(frame, identity)[0], frame))
    assert torch.allclose(*answers, atol=1e-3)


def test_reading_in_parts_is_reading_at_once():
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 1, n, c) for n, c in ((1300, 8), (40, 8), (40, 5)))
    expected = (query @ key.transpose(2, 3)).softmax(dim=3) @ value
    assert torch.allclose(read_all(query, key, value), expected, atol=1e-6)


def test_the_strongest_other():
    x = torch.tensor([[0.1, 0.7, 0.2, 0.7]])
    assert strongest_other(x).tolist() == torch.tensor([[0.7, 0.7, 0.7, 0.7]]).tolist()
    assert torch.allclose(strongest_other(torch.tensor([[0.1, 0.6, 0.3]])), torch.tensor([[0.6, 0.3, 0.6]]))
