import torch

from civos_siaf.networks.local_matching import carry_locally


def points(places):
    """One distinct point at each given place of a 6x8 map, nothing elsewhere."""
    out = torch.zeros(1, 3, 6, 8)
    for channel, (y, x) in enumerate(places):
        out[0, channel, y, x] = 10
    return out


def test_masks_follow_what_moved_within_the_window():
    before, now = points([(2, 2), (4, 6)]), points([(3, 4), (4, 6)])
    maps = torch.zeros(2, 1, 6, 8)
    maps[0, 0, 2, 2] = 1
    maps[1, 0, 4, 6] = 1
    carried = carry_locally(now, before, maps, radius=2, sharpness=torch.tensor(1.0))
    assert carried[0, 0, 3, 4] > 0.99
    assert carried[1, 0, 4, 6] > 0.99
    assert carried[0, 0, 4, 6] < 0.01


def test_what_looks_alike_far_away_gets_nothing():
    before = points([(1, 1)])
    now = points([(1, 1)])
    now[0, 0, 5, 7] = 10  # a twin outside the window
    maps = torch.zeros(1, 1, 6, 8)
    maps[0, 0, 1, 1] = 1
    carried = carry_locally(now, before, maps, radius=2, sharpness=torch.tensor(1.0))
    assert carried[0, 0, 1, 1] > 0.99
    assert carried[0, 0, 5, 7] == 0


def test_places_outside_the_frame_never_count():
    maps = torch.ones(1, 1, 6, 8)
    carried = carry_locally(
        torch.zeros(1, 3, 6, 8), torch.zeros(1, 3, 6, 8), maps, radius=3, sharpness=torch.tensor(1.0)
    )
    assert torch.allclose(carried, maps, atol=1e-5)
