import cv2
import numpy as np
import pytest
import torch

from civos_siaf.data import fusion_data
from civos_siaf.data.fusion_data import FusionItems
from civos_siaf.networks.mask_fusion import LightMaskFusion, MaskFusion
from civos_siaf.propagation.settings import PropagationSettings
from civos_siaf.training.fusion_outputs import FusionOutputs
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.tasks.fusion import FusionTask
from tests.propagation.toys import ToyPropagation, video
from tests.training.tasks.learning import learning

SIZE = (40, 70)
LOSS = BootstrappedCrossEntropy(start=100, end=200)


class Videos:
    """Two videos of noise; object 3 is too small to be spread, object 5 comes at frame 2."""

    names = ("one", "two")

    def annotated(self, index):
        return [f"{t:05d}" for t in range(7)]

    def read(self, index, stem):
        labels = np.zeros(SIZE, np.uint8)
        labels[4:30, 8:34] = 1
        labels[0:5, 60:65] = 3
        if int(stem) >= 2:
            labels[20:38, 40:60] = 5
        labels[:, -1] = 255
        return video(num_frames=7, seed=index)[int(stem)], labels


OUTPUTS = FusionOutputs(separation=3, settings=PropagationSettings(mem_every=2))


@pytest.fixture(autouse=True)
def _fresh():
    fusion_data.references.cache_clear()
    fusion_data.reached.cache_clear()


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


@torch.inference_mode()
def test_a_run_holds_every_reference_object_and_frame(tmp_path):
    done = list(OUTPUTS.write(ToyPropagation().eval(), Videos(), tmp_path, {"a": 1}))
    assert [(d.video, d.reference, d.number, d.total) for d in done][:3] == [
        ("one", "00000", 1, 6),
        ("one", "00003", 2, 6),
        ("one", "00006", 3, 6),
    ]
    names = sorted(files(tmp_path))
    assert len(names) == 2 * (6 + 12 + 12)
    assert "one/00006/5/00000.png" in names
    assert not any("/3/" in name or "one/00000/1/00000" in name for name in names)
    stored = cv2.imread(str(tmp_path / "one" / "00000" / "1" / "00001.png"), cv2.IMREAD_UNCHANGED)
    assert stored.shape == SIZE
    assert stored.std() > 1


@torch.inference_mode()
def test_a_stopped_run_is_completed_and_equal(tmp_path):
    network, videos = ToyPropagation().eval(), Videos()
    for _ in zip(range(2), OUTPUTS.write(network, videos, tmp_path / "a", {}), strict=False):
        pass
    (tmp_path / "a" / "one" / ".00006-x" / "1").mkdir(parents=True)
    encoded = network.frames_encoded
    list(OUTPUTS.write(network, videos, tmp_path / "a", {}))
    rest = network.frames_encoded - encoded
    list(OUTPUTS.write(network, videos, tmp_path / "b", {}))
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert rest < network.frames_encoded - encoded - rest
    with pytest.raises(ValueError, match="other settings"):
        list(OUTPUTS.write(network, videos, tmp_path / "a", {"mem_every": 3}))


@torch.inference_mode()
def test_a_limited_reach_is_that_of_a_shorter_video(tmp_path):
    near = FusionOutputs(separation=3, reach=2)
    objects, frames = near.spread(ToyPropagation().eval(), Videos(), 0, 3)
    assert objects == [1, 5]
    assert [stem for stem, _ in frames] == ["00001", "00002", "00004", "00005"]


def batch(folder, size=2):
    source = FusionItems(Videos(), folder, ["run"], size=32)
    items = [source.item(i, np.random.default_rng(i), step=0) for i in range(size)]
    together = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    return together | {"index": torch.arange(size)}


@pytest.mark.parametrize("make", [MaskFusion, LightMaskFusion])
@pytest.mark.parametrize("shared_keys", [False, True])
def test_fusion_learns_from_a_run_and_leaves_the_propagation_alone(tmp_path, make, shared_keys):
    propagation = ToyPropagation(shared_keys=shared_keys).eval()
    with torch.inference_mode():
        list(OUTPUTS.write(propagation, Videos(), tmp_path / "run", {}))
    torch.manual_seed(0)
    task = FusionTask(make(), propagation, architecture="light-fusion", loss=LOSS).train()
    assert not task.propagation.training
    data = batch(tmp_path, 4)
    assert data["num_objects"].max() == 2
    losses = []
    for outcome in learning(task, lambda: data, steps=range(15), lr=3e-3):
        losses.append(float(outcome.total.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert propagation.scale.grad is None
    assert set(outcome.scalars) == {"iou", "iou_previous", "iou_current"}
    assert task.eval().pictures(data).shape == (4 * 34, 5 * 34, 3)
