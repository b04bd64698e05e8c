import torch

from civos_siaf.networks.motion_refiner import MotionRefiner, motion_cues


def moving_square(shift=(3.0, 0.0), camera=(0.0, 0.0)):
    """Motion maps of a square that moves before a background that moves with the camera."""
    flow = torch.zeros(1, 2, 24, 32)
    flow[:] = torch.tensor(camera).view(1, 2, 1, 1)
    inside = torch.zeros(1, 1, 24, 32)
    inside[..., 6:18, 8:20] = 1
    flow = torch.where(inside > 0, torch.tensor(shift).view(1, 2, 1, 1), flow)
    residual = flow - torch.tensor(camera).view(1, 2, 1, 1)
    return torch.cat([flow, residual], dim=1), inside


def points(*positive, negative=()):
    rows = [[y, x, 100.0] for y, x in positive], [[y, x, 100.0] for y, x in negative]
    most = max(1, *(len(part) for part in rows))
    return torch.tensor([part + [[-1.0, -1.0, -1.0]] * (most - len(part)) for part in rows]).view(
        1, 2 * most, 3
    )


def test_an_untrained_one_changes_nothing():
    motion, _ = moving_square()
    network = MotionRefiner(width=4).eval()
    image, logits = torch.rand(1, 3, 48, 64), torch.randn(1, 1, 48, 64)
    motion = torch.cat([motion, motion], dim=1)
    change = network(image, logits, points((20, 20)), motion)
    assert change.shape == logits.shape
    assert not change.any()


def test_what_moves_as_the_click_is_alike():
    motion, inside = moving_square()
    part = inside.clone()
    part[..., :12, :] = 0  # half of the object
    cues = motion_cues(motion, part, points((12, 14), negative=[(2, 2)]))
    positive, negative, fits = cues[:, 3:4], cues[:, 4:5], cues[:, 5:6]
    assert positive[inside > 0].min() > 0.99
    assert positive[inside == 0].max() < 0.01
    assert negative[inside == 0].min() > 0.99
    assert (fits[inside > 0] > 0).all()
    assert (fits[inside == 0] < 0).all()
    assert cues[:, -1].min() == 1


def test_it_does_not_matter_who_moves():
    """The same cues whether the object moves, or the camera follows it."""
    there, inside = moving_square((3.0, 0.0), (0.0, 0.0))
    followed, _ = moving_square((0.0, 0.0), (-3.0, 0.0))
    one, other = (motion_cues(m, inside, points((12, 14))) for m in (there, followed))
    assert torch.allclose(one, other, atol=1e-5)


def test_without_motion_there_are_no_cues():
    inside = moving_square()[1]
    assert not motion_cues(torch.zeros(1, 4, 24, 32), inside, points((12, 14))).any()


def test_unused_points_are_no_clicks():
    motion, inside = moving_square()
    none = torch.full((1, 4, 3), -1.0)
    cues = motion_cues(motion, inside, none)
    assert not cues[:, 3:5].any()
