import numpy as np
import torch

from civos_siaf.benchmark import DavisDataset, Rules, click_strategy
from civos_siaf.benchmark.noc import ClickSample
from civos_siaf.benchmark.noc_data import VideoSamples
from civos_siaf.training.validation import BenchmarkValidation, ClickValidation
from tests.benchmark.eroded import Eroded


class Painter:
    """Paints a square of the network's size around every click."""

    def __init__(self, network):
        self.radius = int(network.weight)

    def set_image(self, image):
        self.mask = np.zeros(image.shape[:2], np.float32)

    def add(self, *clicks):
        for click in clicks:
            y, x, r = int(click.y), int(click.x), self.radius
            self.mask[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1] = float(click.positive)
        return self.mask


def network(radius):
    made = torch.nn.Linear(1, 1)
    made.weight.data.fill_(radius)
    return made


def square(side=11):
    truth = np.zeros((40, 40), np.int8)
    truth[10 : 10 + side, 10 : 10 + side] = 1
    return ClickSample("square", np.zeros((40, 40, 3), np.uint8), truth)


def test_clicks_are_made_and_averaged():
    validation = ClickValidation(Painter, [square(), square(), square(3)], clicks=2, every=2)
    scores = validation(network(5))
    assert set(scores) == {"iou_1", "iou_2", "mean"}
    assert validation.best in scores
    # The first object is met exactly, the third is 9 of 121 pixels, less what the second click takes away.
    assert scores["iou_1"] == (1 + 9 / 121) / 2
    assert scores["iou_2"] < scores["iou_1"]


def test_the_benchmark_scores_a_method_made_from_the_network():
    validation = BenchmarkValidation(
        lambda net: Eroded(), DavisDataset(), rules=Rules(max_rounds=2), clicks=click_strategy("f3")
    )
    scores = validation(network(1))
    assert set(scores) == {"auc", "r_auc", "at_60s"}
    assert 0 < scores[validation.best] < 1


def test_frames_of_videos_as_samples():
    dataset = DavisDataset()
    samples = list(VideoSamples(dataset, every=4))
    assert [sample.name for sample in samples] == ["mini-a/0", "mini-a/4", "mini-b/0", "mini-b/4"]
    truth = dataset.annotations("mini-a")[4]
    assert ((samples[1].truth == 1) == ((truth > 0) & (truth < 255))).all()
    assert (samples[1].image == dataset.frames("mini-a")[4]).all()
