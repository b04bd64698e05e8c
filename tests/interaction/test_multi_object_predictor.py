import numpy as np
import pytest
import torch

from civos_siaf.interaction.brs import refinement
from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.predictor import ClickPredictor
from civos_siaf.interaction.zoom import ZoomIn
from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.click_network import ClickNetwork, ClickOutput, Features
from civos_siaf.prompts import Click
from civos_siaf.weights.click_networks import build

SIZE = (50, 70)
CLICKS = [
    Click(3, 3, x=60, y=40),
    Click(3, 1, x=10, y=20, positive=False),
    Click(3, 1, x=40, y=22),
    Click(3, 1, x=45, y=30),
]


@pytest.fixture(scope="module")
def light() -> ClickNetwork:
    torch.manual_seed(4)
    return build("light-clicks").eval()


def inputs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8), rng.random((3, *SIZE)).astype(np.float32)


@pytest.mark.parametrize("mode", ["NoBRS", "f-BRS-A", "f-BRS-B", "f-BRS-C"])
@pytest.mark.parametrize(("flip", "max_batch"), [(True, 2), (True, 8), (False, 2)])
def test_objects_together_are_as_each_alone(
    light: ClickNetwork, mode: str, flip: bool, max_batch: int
) -> None:
    image, previous = inputs()
    together = MultiObjectClickPredictor(light, mode=mode, flip=flip, max_batch=max_batch)
    prob = together.predict(image, CLICKS, num_objects=3, previous=previous)
    for k in range(3):
        alone = ClickPredictor(light, flip=flip, refinement=refinement(mode, prob_thresh=0.5))
        alone.set_image(image, previous[k])
        own = [c for c in CLICKS if c.object_id == k + 1]
        expected = alone.add(*sorted(own, key=lambda c: not c.positive))
        assert np.allclose(prob[k], expected, atol=1e-3 if len(own) > 1 and mode != "NoBRS" else 1e-5)


def test_no_answer_depends_on_an_earlier_one(light: ClickNetwork) -> None:
    image, previous = inputs()
    clicks = MultiObjectClickPredictor(light)
    first = clicks.predict(image, CLICKS, num_objects=3, previous=previous)
    clicks.predict(image[::-1], CLICKS[:1], num_objects=3)
    assert np.array_equal(clicks.predict(image, CLICKS, num_objects=3, previous=previous), first)


def test_a_further_click_costs_one_object(light: ClickNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    image, previous = inputs()
    options = {"mode": "NoBRS", "flip": False, "second_look": ZoomIn(skip_clicks=0), "doubt": True}
    clicks = MultiObjectClickPredictor(light, **options)
    clicks.predict(image, CLICKS, num_objects=3, previous=previous)
    batches = []
    forward = type(light).forward

    def counting(self: ClickNetwork, view: torch.Tensor, points: torch.Tensor) -> ClickOutput:
        batches.append(len(view))
        return forward(self, view, points)

    monkeypatch.setattr(type(light), "forward", counting)
    more = [*CLICKS, Click(3, 3, x=20, y=40)]
    changed = previous.copy()
    changed[1] = 0.5
    for asked, given, anew in ((more, previous, True), (more, changed, True), (more, changed, False)):
        batches.clear()
        prob = clicks.predict(image, asked, num_objects=3, previous=given)
        assert all(count == 1 for count in batches)
        assert bool(batches) == anew
        fresh = MultiObjectClickPredictor(light, **options).predict(
            image, asked, num_objects=3, previous=given
        )
        assert np.allclose(prob, fresh, atol=1e-4)
    batches.clear()
    clicks.predict(image[:, ::-1], more, num_objects=3, previous=changed)
    assert max(batches) == 3
    batches.clear()
    clicks.forget()
    clicks.predict(image[:, ::-1], more, num_objects=3, previous=changed)
    assert max(batches) == 3


class AddsLogits(torch.nn.Module):
    """Takes the part of a motion refiner: adds a constant, and notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[torch.Tensor, ...]] = []

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        self.seen.append(inputs)
        return torch.full_like(inputs[1], 2.0)


@pytest.mark.parametrize(("reduced", "known"), [(True, True), (True, False), (False, True)])
def test_motion_corrects_the_first_answer(
    light: ClickNetwork, monkeypatch: pytest.MonkeyPatch, reduced: bool, known: bool
) -> None:
    image, previous = inputs()
    monkeypatch.setattr(light, "internal_scale", lambda *size: 0.5 if reduced else 1.0)
    motion = np.ones((8, 25, 35), np.float32) if known else None
    refiner = AddsLogits()
    one = [Click(3, 1, x=40, y=22)]
    options = {"mode": "NoBRS", "flip": False}
    plain = MultiObjectClickPredictor(light, **options)
    expected = plain.predict(image, one, num_objects=1, previous=previous[:1])
    moved = MultiObjectClickPredictor(light, refiner=refiner, **options)
    assert moved.uses_motion
    assert not plain.uses_motion
    found = moved.predict(image, one, num_objects=1, previous=previous[:1], motion=motion)
    if not (reduced and known):
        assert not refiner.seen
        assert np.array_equal(found, expected)
        return
    shown, logits, points, maps = refiner.seen[0]
    assert shown.shape == (1, 3, *SIZE)
    assert points[0, 0].tolist() == [22, 40, 0]
    assert np.array_equal(maps[0].numpy(), motion)
    assert np.allclose(found[0], (logits + 2).sigmoid()[0, 0].numpy(), atol=1e-6)
    # Another motion of the same image is another question.
    moved.predict(image, one, num_objects=1, previous=previous[:1], motion=motion)
    assert len(refiner.seen) == 1
    moved.predict(image, one, num_objects=1, previous=previous[:1], motion=2 * motion)
    assert len(refiner.seen) == 2


def test_objects_without_clicks_are_predicted_or_kept(light: ClickNetwork) -> None:
    image, previous = inputs()
    published = MultiObjectClickPredictor(light).predict(image, CLICKS, num_objects=3, previous=previous)
    kept = MultiObjectClickPredictor(light, untouched="keep").predict(
        image, CLICKS, num_objects=3, previous=previous
    )
    assert not np.array_equal(published[1], previous[1])
    assert np.array_equal(kept[1], previous[1])
    assert np.allclose(kept[0], published[0], atol=1e-3)


def test_wrong_calls(light: ClickNetwork) -> None:
    image, previous = inputs()
    clicks = MultiObjectClickPredictor(light)
    with pytest.raises(ValueError, match=r"there are objects 1\.\.2"):
        clicks.predict(image, CLICKS, num_objects=2)
    with pytest.raises(ValueError, match="outside the image of 70x50"):
        clicks.predict(image, [Click(0, 1, x=80, y=3)], num_objects=1)
    with pytest.raises(ValueError, match="previous mask must have shape"):
        clicks.predict(image, CLICKS, num_objects=4, previous=previous)
    with pytest.raises(ValueError, match="RGB-BRS cannot share a forward pass"):
        MultiObjectClickPredictor(light, mode="RGB-BRS")


def test_answers_can_be_aggregated(light: ClickNetwork) -> None:
    image, previous = inputs()
    prob = MultiObjectClickPredictor(light, mode="NoBRS").predict(
        image, CLICKS, num_objects=3, previous=previous
    )
    joint = aggregate(torch.from_numpy(prob), background="min", hard=True)
    assert joint.shape == (4, *SIZE)
    assert torch.allclose(joint.sum(0), torch.ones(SIZE))


class Disk(ClickNetwork):
    """Answers with the prepared disks and the previous mask, and notes the sizes it sees."""

    def __init__(self) -> None:
        super().__init__(norm_radius=6)
        self.seen: list[tuple[int, int]] = []

    def encode(self, rgb, coords, stage):  # type: ignore[no-untyped-def]
        self.seen.append(tuple(coords.shape[2:]))
        return Features(coords)

    def decode(self, features, stage):  # type: ignore[no-untyped-def]
        mask, positive, _ = features.main.unbind(dim=1)
        return ClickOutput((positive + (mask > 0.5).float())[:, None] * 8 - 4, None)

    def channels(self, stage):  # type: ignore[no-untyped-def]
        return 3


def test_a_second_look_is_closer_and_stays_inside() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    clicks = [Click(0, 1, x=60, y=50), Click(0, 2, x=250, y=150)]
    network = Disk()
    zoom = ZoomIn(target_size=100, skip_clicks=0, min_crop_size=20, keep_outside=True)
    plain = MultiObjectClickPredictor(network, mode="NoBRS", flip=False).predict(image, clicks, num_objects=3)
    twice = MultiObjectClickPredictor(network, mode="NoBRS", flip=False, second_look=zoom)
    closer = twice.predict(image, clicks, num_objects=3)
    # Once for all, and once for each object with a click, at the size that was asked for.
    assert network.seen == [(200, 300), (200, 300), (100, 100), (100, 100)]
    for k, click in enumerate(clicks):
        found = closer[k] > 0.5
        assert found[int(click.y), int(click.x)]
        ys, xs = np.nonzero(found)
        assert abs(ys.mean() - click.y) < 2
        assert abs(xs.mean() - click.x) < 2
        far = np.hypot(*(np.mgrid[:200, :300] - np.array([click.y, click.x])[:, None, None])) > 40
        assert np.array_equal(closer[k][far], plain[k][far])
    assert np.array_equal(closer[2], plain[2])
    assert np.array_equal(twice.predict(image, clicks, num_objects=3), closer)


class Stubborn(Disk):
    """Keeps the previous mask whatever was clicked; without one it finds the object, and is sure of it."""

    def decode(self, features, stage):  # type: ignore[no-untyped-def]
        mask, positive, _ = features.main.unbind(dim=1)
        fresh = torch.where(positive > 0, 8.0, -8.0)
        kept = torch.where(mask > 0.5, 1.0, -1.0)
        shown = mask.flatten(1).amax(dim=1)[:, None, None] > 0.5
        return ClickOutput(torch.where(shown, kept, fresh)[:, None], None)


def test_a_previous_mask_is_doubted_where_the_clicks_say_otherwise() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    previous = np.zeros((2, 60, 80), np.float32)
    previous[0, 40:60, 40:80] = 1
    previous[1, :10, :10] = 1
    clicks = [Click(0, 1, x=20, y=20), Click(0, 1, x=60, y=50, positive=False)]
    trusting = MultiObjectClickPredictor(Stubborn(), mode="NoBRS", flip=False, untouched="keep")
    doubting = MultiObjectClickPredictor(Stubborn(), mode="NoBRS", flip=False, untouched="keep", doubt=True)
    kept = trusting.predict(image, clicks, num_objects=2, previous=previous)
    found = doubting.predict(image, clicks, num_objects=2, previous=previous)
    assert kept[0, 50, 60] > 0.5 > kept[0, 20, 20]
    assert found[0, 20, 20] > 0.5 > found[0, 50, 60]
    assert np.array_equal(found[1], previous[1])
    # A negative click alone says nothing of where the object is: there is nothing to begin with but the mask.
    alone = doubting.predict(image, clicks[1:], num_objects=2, previous=previous)
    assert np.array_equal(alone, trusting.predict(image, clicks[1:], num_objects=2, previous=previous))
    held = MultiObjectClickPredictor(Stubborn(), mode="NoBRS", flip=False, untouched="keep", hold=True)
    answer = held.predict(image, clicks, num_objects=2, previous=previous)
    assert answer[0, 20, 20] > 0.5 > answer[0, 50, 60]


class Growing(Disk):
    """Its answer is the clicks and four pixels more around the previous mask, in the left half."""

    reduced = 0.5

    def internal_scale(self, height, width):  # type: ignore[no-untyped-def]
        return self.reduced

    def decode(self, features, stage):  # type: ignore[no-untyped-def]
        mask, positive, _ = features.main.unbind(dim=1)
        grown = torch.nn.functional.max_pool2d(mask[:, None], 9, stride=1, padding=4)[:, 0]
        found = torch.maximum(grown, positive)
        found[..., 40:] = 0
        return ClickOutput(found[:, None] * 2 - 1, None)


def test_looks_are_repeated_until_the_answer_settles() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    click = [Click(0, 1, x=20, y=30)]
    sizes = []
    for repeats in (0, 1, 2):
        network = Growing()
        prob = MultiObjectClickPredictor(network, mode="NoBRS", flip=False, repeats=repeats).predict(
            image, click, num_objects=1
        )
        assert len(network.seen) == 1 + repeats
        sizes.append(int((prob > 0.5).sum()))
    assert sizes[0] < sizes[1] < sizes[2]
    settled = Growing()
    previous = np.zeros((1, 60, 80), np.float32)
    previous[0, :, :40] = 1
    MultiObjectClickPredictor(settled, mode="NoBRS", flip=False, repeats=5).predict(
        image, click, num_objects=1, previous=previous
    )
    assert len(settled.seen) == 2
    full = Growing()
    full.reduced = 1.0
    MultiObjectClickPredictor(full, mode="NoBRS", flip=False, repeats=5).predict(image, click, num_objects=1)
    assert len(full.seen) == 1
