import torch

from civos_siaf.networks.guided_propagation import GuidedPropagation
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.propagation_network import FrameBefore


def answers(network, *, guided=True):
    torch.manual_seed(3)
    image, masks = torch.rand(1, 3, 64, 96), (torch.rand(2, 1, 64, 96) > 0.5).float()
    frame = network.encode_frame(image)
    memory = network.encode_memory(image, masks, frame)
    if not guided:
        return network.decode(memory.value, frame)
    target = torch.rand(2, network.target_features(frame).shape[2])
    return network.decode(memory.value, frame, FrameBefore(frame, masks, masks.flip(0), target))


def test_fresh_guidance_changes_no_answer():
    torch.manual_seed(0)
    plain, guided = LightPropagation().eval(), GuidedPropagation().eval()
    guided.load_state_dict(guided.state_dict() | plain.state_dict())
    with torch.no_grad():
        expected = answers(plain, guided=False)
        assert torch.allclose(answers(guided), expected, atol=1e-5)
        assert torch.allclose(answers(guided, guided=False), expected)
        torch.nn.init.normal_(guided.guide16.weight)
        assert not torch.allclose(answers(guided), expected, atol=1e-2)


def test_everything_that_guides_is_learned():
    torch.manual_seed(0)
    network = GuidedPropagation().train()
    for conv in (network.guide16, network.guide8, network.guide4):
        torch.nn.init.normal_(conv.weight)
    answers(network).square().mean().backward()
    for name in ("guide16.weight", "guide8.weight", "guide4.weight", "log_sharpness", "key_proj.weight"):
        assert network.get_parameter(name).grad.abs().sum() > 0, name
