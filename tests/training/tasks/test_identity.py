import numpy as np
import pytest
import torch

from civos_siaf.networks.aot.identity import identity_one_hot
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.networks.identity_network import mask_unused
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.light_identity import LightIdentity
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.training.losses import AotLoss
from civos_siaf.training.tasks.identity import IdentityTask
from tests.training.tasks.test_propagation import batch


def light(**options):
    torch.manual_seed(0)
    loss = AotLoss(steps=100, align_corners=False)
    return IdentityTask(LightIdentity(), architecture="light-identity", loss=loss, **options)


def aott(**options):
    torch.manual_seed(0)
    task = IdentityTask(VARIANTS["aott"].build(), architecture="aott", loss=AotLoss(steps=100), **options)
    # Frozen batch norms of an untrained encoder let the features grow out of all bounds.
    task.network.encoder_projector.weight.data.mul_(1e-3)
    return task


def clip(side, frames=4):
    """A batch of another size: corners are added for 16k+1."""
    items = batch(frames=frames)
    rest = side - items["labels"].shape[-1]
    items["images"] = torch.nn.functional.pad(items["images"].flatten(0, 1), (0, rest, 0, rest), "replicate")
    items["images"] = items["images"].unflatten(0, (2, frames))
    items["labels"] = torch.nn.functional.pad(items["labels"], (0, rest, 0, rest))
    return items


@pytest.mark.parametrize(("make", "side"), [(light, 64), (aott, 65)])
@pytest.mark.parametrize("mem_every", [2, 9999])
def test_a_batch_is_predicted_as_the_engine_does_each_clip(make, side, mem_every):
    task = make(predictions_from=0, mem_every=mem_every).eval()
    both = clip(side)
    seen = []
    task.loss = lambda logits, labels, counts, step: seen.append(logits) or logits.mean().expand(2)
    with torch.no_grad():
        task(both, 0)
        for i, count in enumerate((2, 1)):
            engine = AotEngine(task.network, mem_every=mem_every)
            images = normalize(both["images"][i])
            identity = task.network.identify(both["labels"][i, :1])
            engine.add_reference(task.network.reference(task.network.encode_frame(images[:1]), identity)[1])
            for t in range(1, 4):
                logits = engine.propagate(task.network.encode_frame(images[t : t + 1]))
                logits = mask_unused(logits, [count])
                engine.update(task.network.resize(logits, (side, side)).argmax(dim=1))
                assert torch.allclose(seen[t - 1][i], logits[0], atol=2e-4, rtol=1e-4)


def test_identities_are_drawn_for_each_clip_and_undone():
    task = aott(permute=True).train()
    drawn = task._identities([3, 4], 7)
    assert drawn[:, 0].tolist() == [0, 0]
    assert (drawn.sort(dim=1).values == torch.arange(11)).all()
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn, task._identities([3, 4], 7))
    labels = torch.randint(0, 11, (2, 16, 16))
    seen = []
    task.network.identify_masks = lambda masks: seen.append(masks) or masks.flatten(2).transpose(1, 2)
    task._identify(labels, drawn, 0)
    for i in (0, 1):
        for k in range(11):
            assert torch.equal(seen[0][i, drawn[i, k]], identity_one_hot(labels)[i, k])
    named = task._named(seen[0], drawn, [10, 10])
    assert torch.equal(named, identity_one_hot(labels))


def test_the_light_network_does_not_care_which_identity_an_object_has():
    task = light().eval()
    items = clip(64)
    order = torch.tensor([0, 5, 2, 3, 4, 1, 6, 7, 8, 9, 10])
    frames = task.network.encode_frame(normalize(items["images"][:1, 0]))
    plain, moved = (
        task.network.decode(task.network.reference(frames, task.network.identify(x))[0], frames)
        for x in (items["labels"][:1, 0], order[items["labels"][:1, 0]])
    )
    assert torch.allclose(plain[:, order], moved, atol=1e-5)


@pytest.mark.parametrize(("make", "side"), [(light, 64), (aott, 65)])
def test_training_on_one_batch_lowers_its_loss(make, side):
    task = make(auxiliary_steps=100).train()
    parameters = [p for p in task.network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    losses = []
    for step in range(10):
        outcome = task(clip(side, frames=3), step)
        optimizer.zero_grad()
        outcome.total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        losses.append(outcome.total.item())
    assert np.mean(losses[-3:]) < 0.9 * losses[0]
    assert 0 <= outcome.scalars["iou"] <= 1
    assert "auxiliary" in outcome.scalars


def test_embeddings_are_left_alone_once_predictions_are_remembered():
    task = aott(predictions_from=5).train()
    for step, trained in ((4, True), (5, False)):
        task.zero_grad()
        task(clip(65), step).total.backward()
        assert (task.network.patch_wise_id_bank.weight.grad is not None) == trained


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_objects": torch.tensor([11, 1])}, "at most 10"),
        ({"num_objects": torch.tensor([1, 1])}, "labels up to"),
    ],
)
def test_items_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        light()(clip(64) | change, 0)
    with pytest.raises(ValueError, match="2 frames"):
        light()(batch(frames=1), 0)
