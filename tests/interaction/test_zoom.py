import numpy as np
import pytest
import torch

from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.refinement import points_tensor
from civos_siaf.interaction.transforms import Roi
from civos_siaf.interaction.zoom import LimitLongestSide, ZoomIn
from civos_siaf.prompts import Click
from tests.parity.ritm_predictors import ToyNetwork


def click(x: float, y: float, positive: bool = True) -> Click:
    return Click(0, 1, x=x, y=y, positive=positive)


def zoomed(**options: object) -> ZoomIn:
    """A zoom that has seen a mask in rows 20..39 and columns 30..59 of an image of 100x120."""
    zoom = ZoomIn(min_crop_size=10, target_size=56, **options)
    mask = torch.zeros(1, 1, 100, 120)
    mask[:, :, 20:40, 30:60] = 0.9
    zoom.inverse(mask)
    return zoom


IMAGE = torch.arange(100 * 120, dtype=torch.float32).view(1, 1, 100, 120)
TWO = (click(40, 30), click(45, 25))


def test_it_starts_after_the_clicks_to_skip() -> None:
    zoom = zoomed()
    view, clicks = zoom.forward(IMAGE, [TWO[:1]])
    assert view is IMAGE
    assert clicks == [TWO[:1]]
    assert zoom.roi is None
    view, _ = zoom.forward(IMAGE, [TWO])
    assert zoom.roi == Roi(16, 44, 24, 66)  # the bounding box times 1.4 about its centre
    assert zoom.changed
    assert view.shape == (1, 1, 38, 56)


def test_clicks_move_with_the_crop() -> None:
    zoom = zoomed()
    _, (clicks,) = zoom.forward(IMAGE, [TWO])
    assert clicks[0].y == pytest.approx(38 * (30 - 16) / 29)
    assert clicks[0].x == pytest.approx(56 * (40 - 24) / 43)
    zoom = zoomed(aligned_clicks=True)
    _, (clicks,) = zoom.forward(IMAGE, [TWO])
    assert clicks[0].y == pytest.approx(37 * (30 - 16) / 28)


def test_a_positive_click_outside_moves_the_region_and_a_negative_one_does_not() -> None:
    zoom = zoomed()
    zoom.forward(IMAGE, [TWO])
    zoom.forward(IMAGE, [(*TWO, click(100, 90, False))])
    assert not zoom.changed
    zoom.forward(IMAGE, [(*TWO, click(60, 44))])  # on the last row: inside the crop, outside for the test
    assert zoom.changed


def test_outside_the_region_the_map_is_zero_or_stays() -> None:
    for keep in (False, True):
        zoom = zoomed(keep_outside=keep)
        before = zoom.state.previous
        assert before is not None
        before[:, :, 90, 100] = 0.3
        zoom.forward(IMAGE, [TWO])
        zoom.inverse(torch.ones(1, 1, 38, 56))
        after = zoom.state.previous
        assert after is not None
        assert after[0, 0, 30, 40] == 1
        assert after[0, 0, 90, 100] == pytest.approx(0.3 if keep else 0)


def test_an_emptied_mask_keeps_the_old_region_as_published_or_forgets_it() -> None:
    for forget in (False, True):
        zoom = zoomed(forget_roi=forget)
        zoom.forward(IMAGE, [TWO])
        zoom.inverse(torch.zeros(1, 1, 38, 56))
        view, _ = zoom.forward(IMAGE, [TWO])
        assert view is IMAGE
        assert (zoom.roi is None) == forget


def test_a_small_object_wants_a_repeat_only_without_skipping() -> None:
    mask = torch.zeros(1, 1, 100, 120)
    mask[:, :, 20:40, 30:60] = 0.9
    for skip, wanted in ((0, True), (1, False)):
        zoom = ZoomIn(skip_clicks=skip, min_crop_size=10)
        zoom.inverse(mask)
        assert zoom.wants_repeat() == wanted
    full = ZoomIn(skip_clicks=0, min_crop_size=10)
    full.inverse(torch.ones(1, 1, 100, 120))
    assert not full.wants_repeat()


def test_the_repeat_is_zoomed() -> None:
    predictor = ClickPredictor(ToyNetwork().eval(), zoom=ZoomIn(skip_clicks=0, min_crop_size=20))
    predictor.set_image(np.zeros((200, 240, 3), np.uint8))
    predictor.add(click(50, 40))
    assert predictor.zoom is not None
    assert predictor.zoom.roi is not None
    assert len(predictor.clicks) == 1


def test_large_images_are_limited_and_small_ones_untouched() -> None:
    limit = LimitLongestSide(60)
    view, (clicks,) = limit.forward(IMAGE, [(click(60, 50),)])
    assert view.shape == (1, 1, 50, 60)
    assert (clicks[0].x, clicks[0].y) == (30, 25)
    assert limit.inverse(torch.zeros(1, 1, 50, 60)).shape == (1, 1, 100, 120)
    small = IMAGE[:, :, :30, :40]
    view, _ = limit.forward(small, [()])
    assert view is small


@pytest.mark.parametrize("forget", [False, True])
def test_zoom_and_limit_together_with_the_repair(forget: bool) -> None:
    predictor = ClickPredictor(
        ToyNetwork().eval(),
        zoom=ZoomIn(target_size=240, min_crop_size=60, forget_roi=forget),
        limit=LimitLongestSide(200, forget_roi=forget),
    )
    predictor.set_image(np.zeros((260, 340, 3), np.uint8))
    predictor.add(click(80, 60))
    prob = predictor.add(click(110, 75))
    peak = np.unravel_index(prob.argmax(), prob.shape)
    near = min(np.hypot(peak[0] - y, peak[1] - x) for y, x in ((60, 80), (75, 110)))
    # Published: after zooming, the shrunk crop is pasted beside its place. Repaired: it is where it belongs.
    assert (near < 4) == forget


def test_regions() -> None:
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[2:5, 3] = True
    assert Roi.around(mask) == Roi(2, 4, 3, 3)
    assert Roi.whole((9, 7)).size == (9, 7)
    assert Roi(0, 0, 0, 999).resized(100) == (1, 100)
    assert Roi(0, 9, 0, 9).iou(Roi(0, 9, 0, 9)) == 1


def test_points_are_sorted_by_sign_and_padded() -> None:
    points = points_tensor([(click(1, 2), click(3, 4, False), click(5, 6)), (click(7, 8),)])
    assert points.shape == (2, 4, 3)
    assert points[0].tolist() == [[2, 1, 0], [6, 5, 2], [4, 3, 1], [-1, -1, -1]]
    assert points[1].tolist() == [[8, 7, 0], *[[-1, -1, -1]] * 3]
    assert points_tensor([()]).tolist() == [[[-1, -1, -1]] * 2]
    assert points_tensor([(click(1, 2), click(3, 4, False))], limit=1)[0].tolist() == [
        [2, 1, 0],
        [-1, -1, -1],
    ]
