import numpy as np
import pytest
import torch

from civos_siaf.interaction.brs import MODES, FeatureBrs, InputBrs, refinement
from civos_siaf.interaction.brs_optimizer import ClickOptimizer, brs_loss, click_marks
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.transforms import Roi
from civos_siaf.interaction.zoom import ZoomIn, ZoomState
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.prompts import Click
from civos_siaf.weights.click_networks import build


def click(x: float, y: float, positive: bool = True) -> Click:
    return Click(0, 1, x=x, y=y, positive=positive)


@pytest.fixture(scope="module")
def light() -> ClickNetwork:
    torch.manual_seed(4)
    return build("light-clicks").eval()


def test_marks_are_squares_and_the_first_row_and_column_have_none() -> None:
    positive, negative = click_marks([(click(4, 3), click(0, 5), click(7, 0, False))], (10, 12))
    assert positive.sum() == 9
    assert positive[0, 0, 2:5, 3:6].all()
    assert negative.sum() == 0
    positive, negative = click_marks([(click(0, 5), click(7, 0, False))], (10, 12), mark_border=True)
    assert (positive.sum(), negative.sum()) == (6, 6)


def test_marks_at_the_far_edge_are_clipped_and_halves_round_to_even() -> None:
    positive, _ = click_marks([(click(11, 9),), (click(4.5, 2.5),)], (10, 12))
    assert positive[0].sum() == 4
    assert positive[1, 0, 1:4, 3:6].all()


def test_the_loss_is_zero_only_if_every_mark_has_its_label() -> None:
    positive, negative = click_marks([(click(4, 3), click(8, 6, False))], (10, 12))
    assert brs_loss(positive, positive, negative)[0] == 0
    loss, miss, excess = brs_loss(negative, positive, negative)
    assert loss.item() == pytest.approx(2, abs=1e-4)
    assert (miss, excess) == (1, 1)


@pytest.mark.parametrize("mode", MODES[1:])
def test_refinement_lowers_the_loss_at_the_clicks(light: ClickNetwork, mode: str) -> None:
    refine = refinement(mode, max_evals=8)
    predictor = ClickPredictor(light, refinement=refine)
    predictor.set_image(np.full((64, 96, 3), 90, np.uint8))
    predictor.add(click(30, 30))
    assert isinstance(refine, FeatureBrs | InputBrs)
    assert refine.optimizer.losses == []
    predictor.add(click(70, 40, False))
    losses = refine.optimizer.losses
    assert len(losses) > 1
    assert min(losses) < losses[0]


def test_it_stops_when_the_clicks_are_satisfied() -> None:
    optimizer = ClickOptimizer(prob_thresh=0.5)

    def evaluate(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.view(1, 1, 1, 1).expand(1, 1, 10, 10), x.sum() * 0

    start = np.zeros(1)
    found, logits = optimizer.minimize(
        evaluate, start, clicks=[(click(5, 5),)], size=(10, 10), device=torch.device("cpu")
    )
    assert found[0] > 0
    assert (logits > 0).all()
    assert len(optimizer.losses) < 20
    done = np.full(1, 3.0)
    found, _ = optimizer.minimize(
        evaluate, done, clicks=[(click(5, 5),)], size=(10, 10), device=torch.device("cpu")
    )
    assert found[0] == 3
    assert len(optimizer.losses) == 1


def test_variables_survive_a_new_region_unless_told_otherwise(light: ClickNetwork) -> None:
    starts = {}
    for reset in (False, True):
        refine = FeatureBrs("B", optimizer=ClickOptimizer(max_evals=4), reset_on_crop=reset)
        predictor = ClickPredictor(light, refinement=refine, zoom=ZoomIn(min_crop_size=20, target_size=64))
        predictor.set_image(np.full((64, 96, 3), 90, np.uint8), np.full((64, 96), 0.9))
        predictor.add(click(30, 30), click(60, 20, False))
        before = refine.variables
        assert before is not None
        assert before.any()
        start: list[np.ndarray] = []
        original = refine.optimizer.minimize
        refine.optimizer.minimize = lambda f, x, **rest: start.append(x) or original(f, x, **rest)  # noqa: B023
        assert predictor.zoom is not None
        small = torch.zeros(1, 1, 64, 96)
        small[:, :, 10:40, 10:40] = 1
        predictor.zoom.restore(ZoomState(small, Roi(0, 50, 0, 50)))
        predictor.add(click(90, 60))
        assert predictor.zoom.changed
        starts[reset] = bool((start[0] == before).all()), bool(start[0].any())
    assert starts == {False: (True, True), True: (False, False)}


def test_features_are_kept_beyond_the_limit_of_clicks(light: ClickNetwork) -> None:
    refine = FeatureBrs("B", optimizer=ClickOptimizer(max_evals=1), net_clicks_limit=2)
    predictor = ClickPredictor(light, refinement=refine)
    predictor.set_image(np.full((64, 96, 3), 90, np.uint8))
    calls = []
    encode = light.encode
    light.encode = lambda *args: calls.append(1) or encode(*args)
    try:
        for n in range(5):
            predictor.add(click(10 + 9 * n, 30))
    finally:
        del light.encode
    assert len(calls) == 2


def test_other_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="mode must be one of NoBRS, f-BRS-A"):
        refinement("BRS")
    with pytest.raises(ValueError, match="target must be rgb or maps"):
        InputBrs("mask")
