"""Everything recorded from STM: the network layer by layer, and videos from a mask of the first frame."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from civos_siaf.networks.baselines.stm import SpaceTimeMemory
from civos_siaf.networks.memory_read import affinity, read_memory
from civos_siaf.networks.propagation_network import Memory
from civos_siaf.propagation.first_mask import eleven_logits, every, propagate_first_mask, segment, spread
from civos_siaf.video.frames import Frames
from civos_siaf.weights.deterministic_weights import deterministic_image
from tests.parity.activation_recorder import ActivationRecorder, thin
from tests.parity.check import Check, Folder
from tests.parity.mivos_networks import Arrays, as_rows, network, relative, share_beyond

STEPS = {
    # name: step over channels, step over rows and columns in the recorded arrays
    "menc_stem": (8, 4), "menc_r2": (16, 4), "menc_r3": (16, 2), "menc_r4": (16, 1),
    "qenc_stem": (8, 4), "qenc_r2": (16, 4), "qenc_r3": (16, 2), "qenc_r4": (16, 1),
    "query_key": (2, 1), "query_value": (4, 1),
    "dec_convFM": (16, 1), "dec_m4": (16, 1), "dec_m3": (8, 2), "dec_m2": (16, 4), "dec_p2": (1, 1),
}  # fmt: skip


@torch.inference_mode()
def check(folder: Folder) -> Iterator[Check]:
    """All checks."""
    shapes = folder.json("stm_shapes.json")
    ours = {key: list(value.shape) for key, value in SpaceTimeMemory().state_dict().items()}
    yield Check.equal("stm names, in order", list(ours), list(shapes))
    yield Check.equal("stm shapes", ours, shapes)
    net = recorded_network(folder)
    if folder.has("network.npz"):
        yield from check_network(folder, net)
    if folder.has("network_single.npz"):
        yield from check_single(folder, net)
    if folder.has("e2e.npz"):
        yield from check_videos(folder, net)


def recorded_network(folder: Folder) -> SpaceTimeMemory:
    """The network of the recording; its statistics are the real ones."""
    statistics = {key: value for key, value in SpaceTimeMemory().state_dict().items() if ".r" not in key}
    net = network(folder, "stm", SpaceTimeMemory())
    for encoder, name in ((net.Encoder_M, "Encoder_M"), (net.Encoder_Q, "Encoder_Q")):
        encoder.mean.copy_(statistics[f"{name}.mean"])
        encoder.std.copy_(statistics[f"{name}.std"])
    return net


def check_network(folder: Folder, net: SpaceTimeMemory) -> Iterator[Check]:
    """Two objects and three memory frames."""
    recorded, inputs = folder.arrays("network.npz"), folder.json("inputs.json")
    size = tuple(inputs["net_size"])
    masks = _one_hot(recorded["masks01"], objects=2)
    soft = deterministic_image(inputs["soft_mask_seed"], (2, *size))[:, None] * 0.5
    images = [image(net, seed, size) for seed in inputs["image_seeds"]]
    seen = ActivationRecorder()
    memory, query, decoder = net.Encoder_M, net.Encoder_Q, net.Decoder
    with seen.into(
        {
            "menc_stem": (memory.res2, True),
            "menc_r2": memory.res2,
            "menc_r3": memory.res3,
            "menc_r4": memory.res4,
        }
    ):
        memories = [net.encode_memory(images[0], masks[0])]
    memories += [net.encode_memory(images[1], masks[1]), net.encode_memory(images[2], soft)]
    with seen.into(
        {
            "qenc_stem": (query.res2, True),
            "qenc_r2": query.res2,
            "qenc_r3": query.res3,
            "qenc_r4": query.res4,
            "query_key": net.KV_Q_r4.Key,
            "query_value": net.KV_Q_r4.Value,
            "dec_convFM": decoder.convFM,
            "dec_m4": decoder.ResMM,
            "dec_m3": decoder.RF3,
            "dec_m2": decoder.RF2,
            "dec_p2": decoder.pred2,
        }
    ):
        prob = segment(net, images[3], memories)
    for name, steps in STEPS.items():
        yield relative(f"stm {name}", thin(seen[name], *steps), recorded[name])
    yield from _check_reading(recorded, memories, seen["query_key"], seen["query_value"])
    pair = F.interpolate(seen["dec_p2"], scale_factor=4, mode="bilinear", align_corners=False)
    yield relative("stm dec_logits", thin(pair, 1, 2), recorded["dec_logits"])
    yield relative("stm object_prob", prob[:, ::2, ::2], recorded["object_prob"])
    logits = eleven_logits(prob)
    yield relative("stm logit", logits[:4, ::2, ::2], recorded["logit"])
    yield relative("stm prob", logits.softmax(dim=0)[:4, ::2, ::2], recorded["prob"])
    yield share_beyond("stm labels", logits.argmax(dim=0), recorded["labels"], beyond=0, share=2e-3)


def _check_reading(recorded: Arrays, memories: list[Memory], key: Tensor, value: Tensor) -> Iterator[Check]:
    keys, values = as_rows(memories)
    columns = key[0].flatten(1)
    stacked_key = torch.stack([memory.key for memory in memories], dim=1)
    stacked_value = torch.stack([memory.value for memory in memories], dim=1)
    yield relative("stm memory_key", stacked_key[:, :, ::2], recorded["memory_key"])
    yield relative("stm memory_value", stacked_value[:, :, ::8], recorded["memory_value"])
    weights = affinity(keys, columns).softmax(dim=2).transpose(1, 2)
    yield relative("stm affinity", weights[:, ::5, ::5], recorded["affinity"])
    read = read_memory(keys, values, columns, top_k=None)
    grid = read.reshape(*read.shape[:2], *key.shape[2:])
    both = torch.cat([grid, value.expand(len(grid), -1, -1, -1)], dim=1)
    yield relative("stm readout", both[:, ::8], recorded["readout"])


def check_single(folder: Folder, net: SpaceTimeMemory) -> Iterator[Check]:
    """One object and one memory frame."""
    recorded, inputs = folder.arrays("network_single.npz"), folder.json("inputs.json")
    size = tuple(inputs["net_size"])
    seeds = inputs["image_seeds"]
    memory = net.encode_memory(image(net, seeds[0], size), _one_hot(recorded["mask"][None], objects=1)[0])
    logits = eleven_logits(segment(net, image(net, seeds[3], size), [memory]))
    yield relative("stm single memory_key", memory.key[0, ::2], recorded["memory_key"])
    yield relative("stm single memory_value", memory.value[0, ::8], recorded["memory_value"])
    yield relative("stm single logit", logits[:3, ::2, ::2], recorded["logit"])
    yield relative("stm single prob", logits.softmax(dim=0)[:3, ::2, ::2], recorded["prob"])


def check_videos(folder: Folder, net: SpaceTimeMemory) -> Iterator[Check]:
    """Videos of two objects and of one, with each way of choosing what stays in memory."""
    recorded, trace = folder.arrays("e2e.npz"), folder.json("e2e_trace.json")
    frames, first = Frames.open(recorded["frames"]), recorded["first_mask"]
    for run, facts in trace.items():
        if f"labels_{run}" not in recorded:
            continue
        many = "mem_number" in facts
        kept = spread(facts["mem_number"], len(frames)) if many else every(facts["mem_every"], len(frames))
        mask = first * (first == 1) if run == "single" else first
        read: dict[int, int] = {}
        prob = propagate_first_mask(net, frames, mask, kept=kept, observer=read.__setitem__)
        yield Check.equal(
            f"stm {run} memory frames", list(read.values()), facts["memory_frames_read"][: len(frames) - 1]
        )
        stayed = [t for t in sorted(kept) if t < len(frames) - 1]
        yield Check.equal(f"stm {run} kept", stayed, [t for t in facts["kept"] if t < len(frames) - 1])
        thinned = prob[: recorded[f"prob_{run}"].shape[1], :, ::4, ::4].transpose(0, 1)
        yield share_beyond(f"stm {run} prob", thinned, recorded[f"prob_{run}"], beyond=5e-3, share=1e-3)
        labels = prob.argmax(dim=0)
        yield share_beyond(f"stm {run} labels", labels, recorded[f"labels_{run}"], beyond=0, share=2e-3)


def image(net: SpaceTimeMemory, seed: int, size: tuple[int, ...]) -> Tensor:
    """A normalised image (1, 3, H, W)."""
    return net.Encoder_Q.normalize(deterministic_image(seed, (3, *size))[None])


def _one_hot(labels: object, *, objects: int) -> Tensor:
    """Labels (T, H, W) as masks (T, K, 1, H, W)."""
    given = torch.as_tensor(labels)
    return torch.stack([(given == k + 1).float() for k in range(objects)], dim=1)[:, :, None]
