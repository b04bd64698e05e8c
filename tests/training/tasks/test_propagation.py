import numpy as np
import pytest
import torch

from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.light_propagation import LightPropagation
from civos_siaf.networks.memory_read import read_batch, read_memory
from civos_siaf.networks.stm import Stm
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.tasks.propagation import PropagationTask
from tests.training.tasks.learning import learning

LOSS = BootstrappedCrossEntropy(start=100, end=200)
SIDE = 64


def batch(frames=3, counts=(2, 1), seed=0):
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((len(counts), frames, 3, SIDE, SIDE), dtype=np.float32))
    labels = torch.zeros(len(counts), frames, SIDE, SIDE, dtype=torch.int64)
    for t in range(frames):
        for i, count in enumerate(counts):
            if count > 0:
                labels[i, t, 8 + 4 * t : 30 + 4 * t, 10:34] = 1
            if count > 1:
                labels[i, t, 36:60, 20 + 4 * t : 50 + 4 * t] = 2
    images[labels.unsqueeze(2).expand(-1, -1, 3, -1, -1) == 1] *= 0.3
    return {
        "images": images,
        "labels": labels,
        "num_objects": torch.tensor(counts),
        "index": torch.arange(len(counts)),
    }


def light(**options):
    torch.manual_seed(0)
    small = LightPropagation(key_channels=16, value_channels=16, width8=16, width4=16)
    return PropagationTask(small, architecture="light-propagation", loss=LOSS, **options)


def by_hand(network, images, labels, count):
    """Probabilities (K+1, H, W) of frames 1.. of one clip, with the calls that inference makes."""
    masks = torch.stack([labels[0] == k + 1 for k in range(count)]).float()
    keys, values, result = [], [], []
    for t in range(1, len(images)):
        before = normalize(images[t - 1])[None]
        frame = network.encode_frame(before) if network.memory_needs_frame else None
        memory = network.encode_memory(before, masks[:, None], frame)
        keys.append(memory.key.flatten(2).transpose(1, 2))
        values.append(memory.value.flatten(2).transpose(1, 2))
        now = network.encode_frame(normalize(images[t])[None])
        read = read_memory(torch.cat(keys, 1), torch.cat(values, 1), now.key[0].flatten(1), top_k=None)
        logits = network.decode(read.unflatten(2, now.key.shape[2:]), now)
        result.append(aggregate(logits[:, 0].sigmoid()))
        masks = result[-1][1:]
    return torch.stack(result)


@pytest.mark.parametrize("make", [light, lambda: PropagationTask(Stm(), architecture="stm", loss=LOSS)])
def test_a_batch_is_predicted_as_inference_does_each_clip(make):
    task = make().eval()
    both = batch()
    seen = []
    task.loss = lambda logits, target, step: seen.append(logits.softmax(dim=1)) or logits[:, 0].mean()
    with torch.no_grad():
        task(both, 0)
        for i, count in enumerate((2, 1)):
            expected = by_hand(task.network, both["images"][i], both["labels"][i], count)
            answer = torch.stack(seen)[:, i]
            assert torch.allclose(answer[:, : count + 1], expected, atol=1e-4)
            assert answer[:, count + 1 :].abs().sum() == 0


def test_training_on_one_batch_lowers_its_loss():
    task = light(freeze_bn=["trunk."], jaccard_weight=1.0).train()
    losses = []
    for outcome in learning(task, batch, steps=range(12), lr=1e-3):
        assert all(p.grad is not None for p in task.network.parameters())
        losses.append(float(outcome.total.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_gradients_flow_through_the_predicted_mask_in_memory():
    task, masks = light().eval(), []
    encode = task.network.encode_objects
    task.network.encode_objects = lambda *a: masks.append(a[1]) or encode(*a)
    frames = []
    task.loss = lambda logits, *_: frames.append(logits) or logits[:, 0].mean()
    task(batch(), 0)
    masks[1].retain_grad()
    frames[1][:, 0].mean().backward()
    assert not masks[0].requires_grad
    assert masks[1].grad.abs().sum() > 0


def test_true_masks_can_replace_predictions_in_memory():
    def stored(**options):
        task, seen = light(**options).eval(), []
        encode = task.network.encode_objects
        task.network.encode_objects = lambda *a: seen.append(a[1].detach()) or encode(*a)
        with torch.no_grad():
            task(batch(), 0)
        return seen[1]

    labels = batch()["labels"][:, 1]
    true = torch.stack([labels[0] == 1, labels[0] == 2, labels[1] == 1]).float()[:, None]
    assert torch.equal(stored(truth_probability=1.0), true)
    assert not torch.equal(stored(), true)


def test_unknown_pixels_neither_count_nor_enter_memory():
    task = light().eval()
    known, unknown, elsewhere = batch(), batch(), batch()
    unknown["labels"][:, :, :4] = 255
    elsewhere["labels"][:, 0, :4] = 255
    with torch.no_grad():
        a, b, c = (task(x, 0).scalars["ce"] for x in (known, unknown, elsewhere))
    assert b < a
    assert c == a


def test_frozen_norms_keep_their_statistics_and_are_named():
    task = light(freeze_bn=["trunk."]).train()
    norms = {n: m for n, m in task.network.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert {name.startswith("trunk.") for name, m in norms.items() if not m.training} == {True}
    assert {name.startswith("trunk.") for name, m in norms.items() if m.training} == {False}
    assert not any(m.training for m in light().train().modules() if isinstance(m, torch.nn.BatchNorm2d))
    with pytest.raises(ValueError, match="'trunc'"):
        light(freeze_bn=["trunc"])


def test_an_item_may_lack_objects_but_not_a_batch():
    assert torch.isfinite(light()(batch(counts=(2, 0)), 0).total)
    with pytest.raises(ValueError, match="no object"):
        light()(batch(counts=(0, 0)), 0)


def test_labels_above_the_number_of_objects_are_an_error():
    wrong = batch() | {"num_objects": torch.tensor([1, 1])}
    with pytest.raises(ValueError, match=r"labels up to \[2, 1\], but \[1, 1\] objects"):
        light()(wrong, 0)


def test_half_precision_gives_nearly_the_same_loss():
    task = light().eval()
    with torch.no_grad():
        full = task(batch(), 0).total
        with torch.autocast("cpu", torch.bfloat16):
            half = task(batch(), 0).total
    assert half.dtype == torch.float32
    assert torch.isclose(full, half, rtol=0.05)


@pytest.mark.parametrize("top_k", [None, 5])
def test_batched_reading_is_that_of_inference(top_k):
    keys, values, queries = torch.randn(3, 40, 8), torch.randn(3, 40, 6), torch.randn(3, 8, 12)
    together = read_batch(keys, values, queries, top_k=top_k)
    for i in range(3):
        alone = read_memory(keys[i : i + 1], values[i : i + 1], queries[i], top_k=top_k)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-5)


def test_pictures_show_truth_and_prediction():
    task = light().eval()
    picture = task.pictures(batch())
    assert picture.dtype == np.uint8
    assert picture.shape == (4 * (SIDE + 2), 3 * (SIDE + 2), 3)
