import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from civos_siaf.interaction.brs import MODES, refinement
from civos_siaf.interaction.predictor import ClickPredictor, as_rgb
from civos_siaf.interaction.refinement import NoRefinement
from civos_siaf.interaction.zoom import LimitLongestSide, ZoomIn
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.prompts import Click
from civos_siaf.weights.click_networks import build
from tests.parity.ritm_predictors import ToyNetwork


def click(x: float, y: float, positive: bool = True) -> Click:
    return Click(0, 1, x=x, y=y, positive=positive)


CLICKS = [click(40, 30), click(60, 45), click(15, 10, False), click(80, 50), click(30, 60, False)]


def image(height: int = 70, width: int = 110, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def light() -> ClickNetwork:
    torch.manual_seed(4)
    return build("light-clicks").eval()


def toy(**options: object) -> ClickPredictor:
    return ClickPredictor(ToyNetwork().eval(), **options)


@pytest.mark.parametrize("mode", MODES)
def test_undo_returns_to_exactly_the_same_state(light: ClickNetwork, mode: str) -> None:
    predictor = ClickPredictor(
        light,
        zoom=ZoomIn(target_size=96, min_crop_size=30),
        limit=LimitLongestSide(100),
        refinement=refinement(mode, max_evals=3),
    )
    predictor.set_image(image())
    straight = [predictor.add(c) for c in CLICKS[:3]]
    assert np.array_equal(predictor.undo(), straight[1])
    predictor.add(click(3, 3, False))
    predictor.undo()
    assert np.array_equal(predictor.undo(), straight[0])
    assert predictor.clicks == (CLICKS[0],)
    again = [predictor.add(c) for c in CLICKS[1:3]]
    assert np.array_equal(again[0], straight[1])
    assert np.array_equal(again[1], straight[2])


def test_undo_to_the_beginning_and_no_further() -> None:
    predictor = toy()
    previous = np.full((70, 110), 0.25, np.float32)
    predictor.set_image(image(), previous)
    predictor.add(CLICKS[0])
    assert np.array_equal(predictor.undo(), previous)
    with pytest.raises(IndexError, match="no click to undo"):
        predictor.undo()


def test_a_new_image_forgets_the_last_one() -> None:
    predictor = toy(zoom=ZoomIn(min_crop_size=20))
    predictor.set_image(image(seed=1))
    for c in CLICKS[:3]:
        predictor.add(c)
    assert predictor.zoom is not None
    assert predictor.zoom.roi is not None
    predictor.set_image(image())
    fresh = toy(zoom=ZoomIn(min_crop_size=20))
    fresh.set_image(image())
    for c in CLICKS[:3]:
        assert np.array_equal(predictor.add(c), fresh.add(c))


def test_clicks_at_once_differ_from_clicks_one_by_one() -> None:
    once, one_by_one = toy(), toy()
    once.set_image(image())
    one_by_one.set_image(image())
    together = once.add(*CLICKS[:2])
    one_by_one.add(CLICKS[0])
    assert not np.array_equal(together, one_by_one.add(CLICKS[1]))
    assert once.clicks == one_by_one.clicks


def test_flipping_makes_the_answer_of_the_mirror_image_the_mirrored_answer(light: ClickNetwork) -> None:
    pixels = image()
    plain, mirrored = ClickPredictor(light), ClickPredictor(light)
    plain.set_image(pixels)
    mirrored.set_image(np.ascontiguousarray(pixels[:, ::-1]))
    a = plain.add(click(40, 30))
    b = mirrored.add(click(109 - 40, 30))
    assert np.allclose(a, b[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("bad", [click(-1, 5), click(5, 71), click(110.5, 5)])
def test_clicks_outside_are_refused_and_change_nothing(bad: Click) -> None:
    predictor = toy()
    predictor.set_image(image())
    before = predictor.add(CLICKS[0])
    with pytest.raises(ValueError, match="outside the image of 110x70 pixels"):
        predictor.add(CLICKS[1], bad)
    assert predictor.clicks == (CLICKS[0],)
    assert np.array_equal(predictor.probability, before)


def test_a_click_on_the_far_edge_counts_like_its_clipped_disk(light: ClickNetwork) -> None:
    predictor = ClickPredictor(light)
    predictor.set_image(image())
    assert predictor.add(click(110, 70)).shape == (70, 110)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_click_needs_numbers(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        click(value, 3)


def test_a_click_before_any_image() -> None:
    with pytest.raises(RuntimeError, match="set_image"):
        toy().add(CLICKS[0])


@pytest.mark.parametrize("mode", MODES)
def test_no_click_answers_with_the_previous_mask_alone(light: ClickNetwork, mode: str) -> None:
    predictor = ClickPredictor(light, zoom=ZoomIn(), refinement=refinement(mode))
    predictor.set_image(image(), np.zeros((70, 110)))
    empty = predictor.add()
    predictor.set_image(image(), np.ones((70, 110)))
    assert not np.array_equal(predictor.add(), empty)


@pytest.mark.parametrize("mode", ["NoBRS", "f-BRS-B", "DistMap-BRS"])
def test_a_hundred_clicks(light: ClickNetwork, mode: str) -> None:
    predictor = ClickPredictor(light, zoom=ZoomIn(target_size=96), refinement=refinement(mode, max_evals=2))
    predictor.set_image(image())
    rng = np.random.default_rng(0)
    many = [click(rng.uniform(0, 109), rng.uniform(0, 69), bool(n % 2)) for n in range(100)]
    predictor.add(*many[:98])
    for one in many[98:]:
        assert np.isfinite(predictor.add(one)).all()
    assert len(predictor.clicks) == 100


@pytest.mark.parametrize("mode", MODES)
def test_an_image_of_one_pixel(light: ClickNetwork, mode: str) -> None:
    predictor = ClickPredictor(
        light, zoom=ZoomIn(skip_clicks=-1, target_size=33), refinement=refinement(mode)
    )
    predictor.set_image(image(1, 1))
    for _ in range(2):
        prob = predictor.add(click(0, 0))
        assert prob.shape == (1, 1)
        assert 0 <= prob[0, 0] <= 1


def test_a_very_large_image(light: ClickNetwork) -> None:
    predictor = ClickPredictor(light, zoom=ZoomIn(), limit=LimitLongestSide(800), flip=False)
    predictor.set_image(image(3000, 4000))
    for c in (click(3990, 2990), click(2000, 1500)):
        prob = predictor.add(c)
        assert prob.shape == (3000, 4000)
        assert np.isfinite(prob).all()


def test_grey_and_alpha_become_rgb() -> None:
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    for form in (grey, grey[..., None], np.repeat(grey[..., None], 3, 2), np.repeat(grey[..., None], 4, 2)):
        assert np.array_equal(as_rgb(form), np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5, 3), np.float32), np.zeros((0, 5, 3), np.uint8)],
)
def test_other_images_are_refused(bad: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"an image is \(H, W, 3\) uint8, got"):
        toy().set_image(bad)


def test_a_previous_mask_is_checked() -> None:
    predictor = toy()
    with pytest.raises(ValueError, match=r"must have shape \(70, 110\), got \(3, 3\)"):
        predictor.set_image(image(), np.zeros((3, 3)))
    for value in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
            predictor.set_image(image(), np.full((70, 110), value))


def test_only_the_first_clicks_are_shown_to_the_network() -> None:
    limited, shown = toy(refinement=NoRefinement(2)), toy()
    limited.set_image(image())
    shown.set_image(image())
    assert np.array_equal(limited.add(*CLICKS), shown.add(*CLICKS[:2]))


def test_half_precision_is_close(light: ClickNetwork) -> None:
    predictors = [ClickPredictor(light, precision=p) for p in ("fp32", "bf16")]
    answers = []
    for predictor in predictors:
        predictor.set_image(image())
        answers.append(predictor.add(CLICKS[0]))
    assert answers[1].dtype == np.float32
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.05
    with pytest.raises(ValueError, match="precision must be one of fp32, bf16, fp16, auto, got 'int8'"):
        toy(precision="int8")


def test_a_network_without_previous_mask() -> None:
    predictor = ClickPredictor(build("hrnet18-ocr-baseline").eval(), flip=False)
    predictor.set_image(image(33, 40))
    assert predictor.add(click(5, 5)).shape == (33, 40)
