import torch

from civos_siaf.networks.target_model import fit_target_model, target_scores


def test_objects_are_told_from_what_looks_different():
    torch.manual_seed(0)
    colours = torch.randn(3, 8)
    features = torch.cat([colours[i] + 0.1 * torch.randn(1, 50, 8) for i in range(3)], dim=1)
    features = torch.cat([features, torch.ones(1, 150, 1)], dim=2)
    masks = torch.zeros(2, 150)
    masks[0, :50], masks[1, 50:100] = 1, 1
    model = fit_target_model(features.expand(2, -1, -1), masks)
    scores = target_scores(model, features)
    assert scores.shape == (2, 150)
    for k in range(2):
        assert (scores[k][masks[k] > 0] > 0.5).all()
        assert (scores[k][masks[k] == 0] < 0).all()


def test_a_small_object_counts_as_much_as_its_background():
    features = torch.tensor([[[1.0, 0.0]] + [[0.0, 1.0]] * 99])
    masks = torch.zeros(1, 100)
    masks[0, 0] = 1
    scores = target_scores(fit_target_model(features, masks), features)
    assert scores[0, 0] > 0.9
    assert scores[0, 1] < -0.9


def test_positions_without_weight_teach_nothing():
    torch.manual_seed(1)
    features = torch.randn(1, 60, 5)
    masks = (features[..., 0] > 0).float()
    wrong = masks.clone()
    wrong[0, 30:] = 1 - wrong[0, 30:]
    weights = torch.ones(1, 60)
    weights[0, 30:] = 0
    counted = fit_target_model(features, wrong, weights)
    assert torch.allclose(counted, fit_target_model(features[:, :30], masks[:, :30]), atol=1e-4)


def test_an_object_that_is_nowhere_scores_low():
    features = torch.randn(1, 40, 6)
    model = fit_target_model(features, torch.zeros(1, 40))
    assert torch.isfinite(model).all()
    assert target_scores(model, features).mean() < 0
