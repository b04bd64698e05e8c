"""MiVOS' three networks layer by layer, object aggregation, and the bootstrapped cross entropy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from civos_siaf.networks.aggregate import aggregate
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.memory_read import affinity, read_memory, transfer
from civos_siaf.networks.propagation_network import FrameFeatures, Memory
from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from civos_siaf.training.losses import fusion_loss, propagation_loss, s2m_loss
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.load import load_strictly
from tests.parity.activation_recorder import ActivationRecorder, thin
from tests.parity.check import Check, Folder

RELATIVE, PROBABILITY, HARD = 1e-4, 5e-4, 1e-2
Arrays = dict[str, NDArray[Any]]
Network = TypeVar("Network", bound=nn.Module)


def network(folder: Folder, name: str, empty: Network) -> Network:
    """A network of the recording, loaded strictly."""
    values = deterministic_weights.deterministic_state(folder.json(f"{name}_shapes.json"))
    apply_overrides(values, folder.json("overrides.json").get(name, []))
    load_strictly(empty, values, source=f"{name}_shapes.json")
    return empty.requires_grad_(False).eval()


def apply_overrides(values: dict[str, Tensor], rules: Iterable[dict[str, Any]]) -> dict[str, Tensor]:
    """Multiply tensors, or some of their channels, and add to them, in place, as rules by name say."""
    for rule in rules:
        part = values[rule["name"]]
        if "in_channels" in rule:
            part = part[:, slice(*rule["in_channels"])]
        if "out_channels" in rule:
            part = part[slice(*rule["out_channels"])]
        part.mul_(rule.get("multiply", 1.0)).add_(rule.get("add", 0.0))
    return values


def image(seed: int, size: tuple[int, int]) -> Tensor:
    """A normalised image (1, 3, H, W)."""
    return normalize(deterministic_weights.deterministic_image(seed, (3, *size)))[None]


def relative(name: str, ours: Tensor, reference: NDArray[Any]) -> Check:
    """An intermediate value, within a part of the reference's largest magnitude."""
    return Check.compare(name, ours, reference, tolerance=RELATIVE * float(np.abs(reference).max()))


def share_beyond(name: str, ours: Tensor, reference: NDArray[Any], *, beyond: float, share: float) -> Check:
    """The share of values that differ by more than `beyond` is at most `share`."""
    if tuple(ours.shape) != reference.shape:
        return Check.compare(name, ours, reference)
    wrong = np.abs(np.asarray(ours, np.float64) - reference) > beyond
    return Check(name, float(wrong.mean()), share, f"share of values that differ by more than {beyond:g}")


def labels_agree(name: str, ours: NDArray[Any], reference: NDArray[Any]) -> Check:
    """At most 0.02 % of the labels differ."""
    return share_beyond(name, torch.from_numpy(ours), reference, beyond=0, share=2e-4)


def check_shapes(folder: Folder) -> Iterator[Check]:
    """Names, order and shapes of all parameters."""
    empties: dict[str, nn.Module] = {"propagation": Stm(), "fusion": MaskFusion(), "s2m": S2m()}
    for name, empty in empties.items():
        ours = {key: list(value.shape) for key, value in empty.state_dict().items()}
        reference = folder.json(f"{name}_shapes.json")
        yield Check.equal(f"{name} names, in order", list(ours), list(reference))
        yield Check.equal(f"{name} shapes", ours, reference)


def check_propagation(folder: Folder, net: Stm) -> Iterator[Check]:
    """Two objects and three memory frames; then one of each."""
    recorded, inputs = folder.arrays("propagation.npz"), folder.json("inputs.json")
    masks01 = torch.from_numpy(recorded["masks01"]).float()
    size = (masks01.shape[-2], masks01.shape[-1])
    images = [image(seed, size) for seed in inputs["image_seeds"]]
    soft = deterministic_weights.deterministic_image(inputs["soft_mask_seed"], tuple(masks01.shape[1:])) * 0.5
    seen = ActivationRecorder()
    encoder, query = net.mask_rgb_encoder, net.rgb_encoder
    with seen.into(
        {
            "venc_stem": (encoder.layer1, True),
            "venc_layer1": encoder.layer1,
            "venc_layer2": encoder.layer2,
            "venc_layer3": encoder.layer3,
        }
    ):
        memories = [net.encode_memory(images[0], masks01[0])]
    memories += [net.encode_memory(images[1], masks01[1]), net.encode_memory(images[2], soft)]
    with seen.into(
        {
            "qenc_stem": (query.res2, True),
            "qenc_f4": query.res2,
            "qenc_f8": query.layer2,
            "qenc_f16": query.layer3,
            "query_key": net.kv_q_f16.key_proj,
            "query_value": net.kv_q_f16.val_proj,
            "dec_up8_skip": net.decoder.up_16_8.skip_conv2,
        }
    ):
        frame = net.encode_frame(images[3])
    yield from _check_reading(recorded, memories, frame)
    keys, values = as_rows(memories)
    readout = read_memory(keys, values, frame.key[0].flatten(1), top_k=50)
    grid = readout.view(*readout.shape[:2], *frame.key.shape[2:])
    with seen.into(
        {
            "dec_compress": net.decoder.compress,
            "dec_up8": net.decoder.up_16_8,
            "dec_up4": net.decoder.up_8_4,
            "dec_pred_stride4": net.decoder.pred,
        }
    ):
        logits = net.decode(grid, frame)
    for name, (channels, rows) in _PROPAGATION_STEPS.items():
        yield relative(f"propagation {name}", thin(seen[name], channels, rows), recorded[name])
    prob = aggregate(logits.sigmoid())
    yield relative("propagation dec_logits", thin(logits, 1, 2), recorded["dec_logits"])
    yield _probability("propagation prob", logits.sigmoid(), recorded["prob"])
    yield _probability("propagation aggregated", prob, recorded["aggregated"])
    yield labels_agree("propagation labels", prob.argmax(dim=0)[0].numpy(), recorded["labels"])
    added, removed = (masks01[1] - masks01[0]).clamp(0, 1), (masks01[0] - masks01[1]).clamp(0, 1)
    maps = F.interpolate(torch.cat([added, removed], dim=1), size=frame.key.shape[2:], mode="area")
    carried = F.interpolate(
        transfer(memories[0].key, frame.key, maps), size=size, mode="bilinear", align_corners=False
    )
    yield _probability("propagation attention_maps", thin(carried, 1, 4), recorded["attention_maps"], step=1)
    yield from _check_single(folder, net, images)


_PROPAGATION_STEPS = {
    # name: step over channels, step over rows and columns in the recorded arrays
    "venc_stem": (8, 4), "venc_layer1": (16, 4), "venc_layer2": (16, 2), "venc_layer3": (16, 1),
    "qenc_stem": (8, 4), "qenc_f4": (16, 4), "qenc_f8": (16, 2), "qenc_f16": (16, 1),
    "query_key": (2, 1), "query_value": (4, 1), "dec_compress": (16, 1), "dec_up8_skip": (16, 2),
    "dec_up8": (8, 2), "dec_up4": (16, 4), "dec_pred_stride4": (1, 1),
}  # fmt: skip


def as_rows(memories: list[Memory]) -> tuple[Tensor, Tensor]:
    """Memories of several frames as keys (K, M, C_k) and values (K, M, C_v)."""
    return (
        torch.cat([memory.key.flatten(2).transpose(1, 2) for memory in memories], dim=1),
        torch.cat([memory.value.flatten(2).transpose(1, 2) for memory in memories], dim=1),
    )


def _check_reading(recorded: Arrays, memories: list[Memory], frame: FrameFeatures) -> Iterator[Check]:
    keys, values = as_rows(memories)
    columns = frame.key[0].flatten(1)
    stacked_key = torch.stack([memory.key for memory in memories], dim=2)
    stacked_value = torch.stack([memory.value for memory in memories], dim=2)
    yield relative("propagation memory_key", stacked_key[:, ::2], recorded["memory_key"])
    yield relative("propagation memory_value", stacked_value[:, ::8], recorded["memory_value"])
    logits = affinity(keys, columns).transpose(1, 2)
    yield relative("propagation affinity", logits[:, ::5, ::5], recorded["affinity"])
    # Reading the unit matrix as values shows the weights themselves.
    unit = torch.eye(keys.shape[1]).expand(len(keys), -1, -1)
    weights = read_memory(keys, unit, columns, top_k=50)
    yield _probability("propagation weights_top50", weights[:, ::5, ::5], recorded["weights_top50"], step=1)
    shape = (*values.shape[::2], *frame.key.shape[2:])
    top = read_memory(keys, values, columns, top_k=50).reshape(shape)
    dense = read_memory(keys[:1], values[:1], columns, top_k=None).reshape(1, *shape[1:])
    yield relative("propagation readout_top50", top[:, ::8], recorded["readout_top50"])
    yield relative("propagation readout_dense", dense[:, ::8], recorded["readout_dense"])
    first, _ = as_rows(memories[:1])
    full = affinity(first, columns).softmax(dim=2).transpose(1, 2)
    yield _probability("propagation attention_W", full[:, ::3, ::3], recorded["attention_W"], step=1)


def _check_single(folder: Folder, net: Stm, images: list[Tensor]) -> Iterator[Check]:
    recorded = folder.arrays("propagation_single.npz")
    memory = net.encode_memory(images[0], torch.from_numpy(recorded["mask"]).float())
    frame = net.encode_frame(images[3])
    yield relative("single memory_key", memory.key[:, ::2, None], recorded["memory_key"])
    yield relative("single memory_value", memory.value[:, ::8, None], recorded["memory_value"])
    for name, top_k in (("top40", 40), ("dense", None)):
        readout = read_memory(*as_rows([memory]), frame.key[0].flatten(1), top_k=top_k)
        prob = net.decode(readout.view(memory.value.shape), frame).sigmoid()
        yield _probability(f"single prob_{name}", prob, recorded[f"prob_{name}"])
        if name == "top40":
            yield _probability("single aggregated_top40", aggregate(prob), recorded["aggregated_top40"])


def check_fusion(folder: Folder, net: MaskFusion) -> Iterator[Check]:
    """Two pairs of distances."""
    recorded, inputs = folder.arrays("fusion.npz"), folder.json("inputs.json")
    size = (2 * recorded["logit_a"].shape[-2], 2 * recorded["logit_a"].shape[-1])
    seeds = inputs["fusion"]
    previous = deterministic_weights.deterministic_image(seeds["previous_seed"], (1, 1, *size))
    current = deterministic_weights.deterministic_image(seeds["current_seed"], (1, 1, *size))
    attention = deterministic_weights.deterministic_image(seeds["attention_seed"], (1, 2, *size)) * 0.5
    for suffix, n_c, n_r in (("a", 0.25, 0.75), ("b", 0.75, 0.25)):
        seen = ActivationRecorder()
        with seen.into({"conv1": net.conv1, "res1_branch": net.conv2, "res2_branch": net.conv3}):
            logit = net(
                image(inputs["image_seeds"][3], size),
                previous,
                current,
                attention=attention,
                n_c=n_c,
                n_r=n_r,
            )
        for name in ("conv1", "res1_branch", "res2_branch"):
            yield relative(f"fusion {name}_{suffix}", thin(seen[name], 2, 4), recorded[f"{name}_{suffix}"])
        yield relative(f"fusion logit_{suffix}", thin(logit, 1, 2), recorded[f"logit_{suffix}"])
        yield _probability(f"fusion prob_{suffix}", logit.sigmoid(), recorded[f"prob_{suffix}"])


def check_s2m(folder: Folder, net: S2m) -> Iterator[Check]:
    """Two objects with scribbles and a previous mask each."""
    recorded, seeds = folder.arrays("s2m.npz"), folder.json("inputs.json")["image_seeds"]
    drawn = torch.from_numpy(recorded["scribble_label_map"])
    previous = torch.from_numpy(recorded["previous_labels"])
    rgb = image(seeds[0], (drawn.shape[0], drawn.shape[1]))
    num_objects = len(recorded["unaggregated_prob"])
    backbone, head = net.backbone, net.classifier
    taps = {
        "stem_conv1_bn_relu": backbone.bn1,
        "layer1": backbone.layer1,
        "layer2": backbone.layer2,
        "layer3": backbone.layer3,
        "layer4": backbone.layer4,
        "low_level_48": head.project,
        "aspp_project": head.aspp.project,
        "head_logits_stride4": head,
        **{f"aspp_branch{i}": conv for i, conv in enumerate(head.aspp.convs)},
    }
    seen, logits = ActivationRecorder(), []
    for k in range(1, num_objects + 1):
        maps = [previous[0] == k, drawn == k, (drawn != k) & (drawn != 255)]
        inputs = torch.cat([rgb, torch.stack(maps)[None].float()], dim=1)
        with seen.into(taps if k == 1 else {}):
            logits.append(net(inputs)[0])
    seen["stem_conv1_bn_relu"] = seen["stem_conv1_bn_relu"].relu()
    seen["aspp_branch4"] = seen["aspp_branch4"].expand_as(seen["aspp_branch0"])
    for name in taps:
        yield relative(f"s2m {name}", thin(seen[name], *_S2M_STEPS.get(name, (8, 1))), recorded[name])
    yield relative("s2m logits", thin(logits[0][None], 1, 2), recorded["logits"])
    prob = torch.stack(logits).sigmoid()
    yield _probability("s2m unaggregated_prob", prob, recorded["unaggregated_prob"])
    yield _probability("s2m aggregated_soft", aggregate(prob), recorded["aggregated_soft"])
    hard = aggregate(prob, hard=True)
    yield share_beyond(
        "s2m aggregated_hard", hard[..., ::2, ::2], recorded["aggregated_hard"], beyond=HARD, share=1e-3
    )
    yield labels_agree("s2m labels", hard.argmax(dim=0)[0].numpy(), recorded["labels"])


_S2M_STEPS = {
    "stem_conv1_bn_relu": (8, 4), "layer1": (16, 4), "layer2": (16, 2), "layer3": (16, 1), "layer4": (32, 1),
    "low_level_48": (4, 4), "head_logits_stride4": (1, 1),
}  # fmt: skip


def check_aggregate(folder: Folder) -> Iterator[Check]:
    """Both rules of MiVOS, soft and hard."""
    recorded = folder.arrays("aggregate.npz")
    prob = torch.from_numpy(recorded["prob"])
    results = {
        "wbg": aggregate(prob),
        "wbg_hard": aggregate(prob, hard=True),
        "sbg": aggregate(prob, background="static"),
        "sbg_hard": aggregate(prob, background="static", hard=True),
        "wbg_single": aggregate(prob[:1]),
    }
    for name, ours in results.items():
        tolerance = HARD if "hard" in name else 1e-6
        yield Check.compare(f"aggregate {name}", ours, recorded[name], tolerance=tolerance)


def check_losses(folder: Folder) -> Iterator[Check]:
    """Loss and fraction at every recorded iteration."""
    recorded = folder.arrays("bootstrapped_ce.npz")
    logits, target = torch.from_numpy(recorded["logits"]), torch.from_numpy(recorded["target"])
    losses = {
        "propagation": propagation_loss(),
        "s2m": s2m_loss(),
        "fusion_stage0": fusion_loss(30_000),
        "fusion_stage1": fusion_loss(10_000),
    }
    for name, loss in losses.items():
        values = [float(loss(logits, target, int(i))) for i in recorded["iterations"]]
        fractions = [loss.fraction(int(i)) for i in recorded["iterations"]]
        yield Check.compare(f"loss {name}", values, recorded[f"{name}_loss"], tolerance=1e-5)
        yield Check.compare(f"loss {name} fraction", fractions, recorded[f"{name}_fraction"], tolerance=1e-6)


def _probability(name: str, ours: Tensor, reference: NDArray[Any], *, step: int = 2) -> Check:
    return Check.compare(name, ours[..., ::step, ::step], reference, tolerance=PROBABILITY)
