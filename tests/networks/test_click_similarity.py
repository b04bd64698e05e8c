import torch

from civos_siaf.networks.click_similarity import ClickSimilarity
from civos_siaf.networks.light_clicks import LightClicks


def test_places_that_look_like_the_click_are_similar():
    similarity = ClickSimilarity(3, channels=3)
    torch.nn.init.dirac_(similarity.project.weight)
    torch.nn.init.zeros_(similarity.project.bias)
    features = torch.zeros(1, 3, 4, 6)
    features[:, 0, :, :2], features[:, 1, :, 2:4], features[:, 2, :, 4:] = 1, 1, 1
    coords = torch.zeros(1, 3, 4, 6)
    coords[0, 1, 0, 0] = 1  # a positive click in the first stripe
    coords[0, 2, 3, 5] = 1  # a negative one in the last
    coords[0, 0, :, 2:4] = 1  # the previous mask is the middle stripe
    positive, negative, inside, outside = similarity(features, coords)[0]
    assert torch.allclose(positive[:, :2], torch.ones(4, 2))
    assert torch.allclose(positive[:, 2:], torch.zeros(4, 4))
    assert torch.allclose(negative[:, 4:], torch.ones(4, 2))
    assert torch.allclose(inside[:, 2:4], torch.ones(4, 2))
    assert torch.allclose(outside[:, 2:4], torch.zeros(4, 2))
    assert torch.allclose(outside[:, :2], torch.full((4, 2), 0.5**0.5))
    nothing = similarity(features, torch.zeros_like(coords))
    assert not nothing.any()


def test_a_fresh_similarity_changes_no_answer_and_learns():
    torch.manual_seed(0)
    network = LightClicks().eval()
    image, points = torch.rand(2, 4, 64, 96), torch.full((2, 4, 3), -1.0)
    points[:, 0] = torch.tensor([20.0, 30.0, 0.0])
    before = network(image, points).instances
    torch.nn.init.normal_(network.similarity.project.weight)
    assert torch.equal(network(image, points).instances, before)
    network.train()
    network(image, points).instances.mean().backward()
    assert network.lateral_similarity[0].weight.grad.abs().sum() > 0
    with torch.no_grad():
        torch.nn.init.normal_(network.lateral_similarity[0].weight)
    assert not torch.allclose(network.eval()(image, points).instances, before)
