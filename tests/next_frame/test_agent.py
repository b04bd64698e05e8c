import numpy as np
import pytest
import torch

from civos_siaf.networks.frame_agent import FrameAgent
from civos_siaf.networks.mask_assessment import crop, crop_boxes, crop_grid
from civos_siaf.next_frame import FinishedRound
from civos_siaf.next_frame.agent import AgentFrame, AssessedQuality


class Area(torch.nn.Module):
    """Likes masks by their share of the image, and bright images."""

    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(1, 1)

    def forward(self, images, prob):
        return prob.mean(dim=(1, 2)) + 10 * images.mean(dim=(1, 2, 3))


def played(**more):
    labels = np.zeros((5, 4, 6), np.uint8)
    labels[2, :2], labels[2, 2:], labels[3, 0] = 1, 2, 2
    frames = [np.full((4, 6, 3), 51 * (t == 4), np.uint8) for t in range(5)]
    return FinishedRound(
        num_frames=5, labels=labels, prompted=((0,),), num_objects=2, frames=lambda: frames, **more
    )


def test_the_judged_quality_is_the_mean_over_objects_of_labels_or_probabilities():
    judge = AssessedQuality(Area(), batch=2)
    assert judge(played()) == pytest.approx([0, 0, 0.5, 0.125, 2])
    prob = torch.full((3, 4, 6), 0.25)
    assert judge(played(probabilities=lambda frame: prob)) == pytest.approx([0.25] * 4 + [2.25])


def test_without_images_nothing_can_be_judged():
    bare = FinishedRound(num_frames=1, prompted=((0,),), num_objects=1)
    with pytest.raises(ValueError, match="images"):
        AssessedQuality(Area())(bare)


class Sum(torch.nn.Module):
    decoder_fc2 = torch.nn.Linear(1, 1)

    def forward(self, state):
        assert state.dtype == torch.float32
        return state[..., 0] - 10 * state[..., 1]


def test_the_agent_sees_quality_and_counts():
    quality = np.linspace(0, 1, 5)
    found = AgentFrame(Sum()).priorities(played(quality=lambda: quality))
    assert found == pytest.approx([-10, 0.25, 0.5, 0.75, 1])
    found = AgentFrame(Sum(), lambda finished: 1 - quality).priorities(played())
    assert found.argmax() == 1
    with pytest.raises(ValueError, match="ground truth"):
        AgentFrame(Sum()).priorities(played())


def test_the_agent_values_a_video_backwards_as_forwards():
    agent = FrameAgent().eval()
    half = agent.decoder_fc1.weight.data
    half[:, 128:] = half[:, :128]
    state = torch.rand(2, 6, 2)
    assert torch.allclose(agent(state.flip(1)), agent(state).flip(1), atol=1e-6)


def test_where_there_is_no_mask_the_whole_frame_is_looked_at():
    prob = torch.full((1, 300, 400), 0.4)
    boxes = crop_boxes(prob)
    assert boxes[0].tolist() == [150, 200, 311, 411]
    image = torch.ones(1, 3, 300, 400)
    seen = crop(image, crop_grid(boxes, (300, 400)))
    assert seen.shape == (1, 3, 256, 256)
    assert seen[0, :, 10:-10, 10:-10].min() > 0.999
    assert seen[0, :, 0].max() == 0  # beyond it
