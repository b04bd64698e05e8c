import time

import pytest
import torch

from civos_siaf.networks.click_inputs import disk_maps, distance_maps

NONE = [-1.0, -1.0, -1.0]


def brute_force(points: torch.Tensor, height: int, width: int, radius: float) -> torch.Tensor:
    maps = torch.zeros(len(points), 2, height, width)
    half = points.shape[1] // 2
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for image, image_points in enumerate(points):
        for slot, (y, x, _) in enumerate(image_points):
            if max(y, x) >= 0:
                squared = (rows - y) ** 2 + (columns - x) ** 2
                maps[image, slot // half][squared <= radius**2] = 1
    return maps


def count(y: float, x: float) -> int:
    return int(disk_maps(torch.tensor([[[y, x, 0], NONE]]), height=40, width=40).sum())


def test_a_disk_has_81_pixels_and_between_pixels_80() -> None:
    assert count(20, 20) == 81
    assert count(20.5, 20.5) == 80


def test_disks_are_those_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(3)
    points = torch.rand(4, 10, 3, generator=generator) * torch.tensor([33.0, 50.0, 1.0]) - 3
    points[1, 2:7] = -1
    points[2, 0] = torch.tensor([31.0, 45.0, 0.0])  # beside the image on both axes
    ours = disk_maps(points, height=30, width=44)
    assert torch.equal(ours, brute_force(points, 30, 44, 5))


def test_one_negative_coordinate_is_a_click_and_two_are_none() -> None:
    assert count(-2, 20) > 0
    assert count(-2, -1) == 0


def test_a_fractional_radius() -> None:
    points = torch.tensor([[[10.0, 12.0, 0.0], NONE]])
    assert torch.equal(disk_maps(points, height=25, width=25, radius=3.5), brute_force(points, 25, 25, 3.5))


def test_distances_are_zero_at_the_click_and_one_without_clicks() -> None:
    points = torch.tensor([[[10.0, 12.0, 0.0], NONE]])
    maps = distance_maps(points, height=20, width=30, radius=10)
    assert maps[0, 0, 10, 12] == 0
    assert maps[0, 0, 10, 17] == pytest.approx(torch.tanh(torch.tensor(1.0)).item())
    assert (maps[0, 1] == 1).all()


def test_a_hundred_clicks_on_a_large_image_take_little_time() -> None:
    points = torch.rand(1, 200, 3) * 3000
    start = time.perf_counter()
    disk_maps(points, height=3000, width=4000)
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("shape", [(1, 3, 3), (2, 4), (1, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"points must have shape \(B, 2N, 3\), got"):
        disk_maps(torch.zeros(shape), height=5, width=5)
