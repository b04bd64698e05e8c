"""Everything recorded from AOT: three networks through a short video, two references, and 13 objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.networks.aot.network import Aot
from civos_siaf.networks.aot.transformer import WIDTH, as_map, joined, sine_positions
from civos_siaf.networks.aot.variants import VARIANTS
from civos_siaf.networks.identity_network import FrameMemory, mask_unused
from civos_siaf.networks.imagenet import normalize
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.aot_memory import ReferenceMemories
from civos_siaf.propagation.aot_tracker import AotTracker
from civos_siaf.weights import deterministic_weights
from civos_siaf.weights.aot_networks import UNUSED_NAMES, published_state
from civos_siaf.weights.load import load_strictly
from tests.parity.activation_recorder import ActivationRecorder
from tests.parity.check import Check, Folder

NETWORKS = ("aott", "r50_aotl", "swinb_aotl")
EXACT, INSIDE, LOGITS = 1e-4, 5e-4, 2e-4
"""Tolerances: of what comes before the transformer (also relative), of its parts, and of logits."""
UNCLEAR = 0.02
"""Share of pixels whose two best logits may be as close as rounding, which labels then follow."""
MERGED_SIZE = (120, 200)
Arrays = dict[str, NDArray[Any]]


@torch.inference_mode()
def check(folder: Folder) -> Iterator[Check]:
    """All checks of those networks whose recording is there."""
    for name in NETWORKS:
        if folder.has(f"{name}.npz"):
            yield from check_shapes(folder, name)
            net = network(folder, name)
            yield from check_network(folder, name, net)
            yield from check_sequences(folder, name, net)
    if folder.has("aott_13obj.npz"):
        yield from check_many_objects(folder, network(folder, "aott"))


def network(folder: Folder, name: str) -> Aot:
    """A network of the recording, loaded strictly."""
    values = deterministic_weights.deterministic_state(folder.json(f"{name}_shapes.json"))
    for ending, factor in folder.json("scales.json")[name].items():
        for key in values:
            if key.endswith(ending):
                values[key] = values[key] * factor
    net = VARIANTS[name].build()
    load_strictly(net, published_state(values), source=f"{name}_shapes.json")
    return net.requires_grad_(False).eval()


def frame(base: int, t: int, size: tuple[int, int]) -> Tensor:
    """Normalised frame t (1, 3, H, W): a picture that moves, and a little of another."""
    moving = torch.roll(
        deterministic_weights.deterministic_image(base, (3, *size)), (2 * t, 3 * t), dims=(1, 2)
    )
    return normalize(
        0.75 * moving + 0.25 * deterministic_weights.deterministic_image(base + 1 + t, (3, *size))
    )[None]


def check_shapes(folder: Folder, name: str) -> Iterator[Check]:
    """Names, order and shapes of all parameters but those that are never used."""
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in VARIANTS[name].build().state_dict().items()}
    reference = folder.json(f"{name}_shapes.json")
    reference = {key: shape for key, shape in reference.items() if not key.endswith(UNUSED_NAMES)}
    yield Check.equal(f"{name} names, in order", list(ours), list(reference))
    yield Check.equal(f"{name} shapes", ours, reference)


def check_network(folder: Folder, name: str, net: Aot) -> Iterator[Check]:
    """The parts of the network on the first frame and the next."""
    recorded, images = _recording(folder, name)
    thinned = torch.cat(images)[:, :, ::16, ::16]
    yield Check.compare(f"{name} img_check", thinned, recorded["img_check"], tolerance=1e-5)
    pyramid = net.encoder(images[0])
    projected = net.encoder_projector(pyramid.last)
    size = (projected.shape[2], projected.shape[3])
    yield from _exact(name, "enc4", _thin(pyramid.f4[0], 16)[:, ::2, ::2], recorded)
    yield from _exact(name, "enc8", _thin(pyramid.f8[0], 16), recorded)
    yield from _exact(name, "enc16", _thin(pyramid.f16[0], 16), recorded)
    yield from _exact(name, "proj", _thin(projected[0], 64), recorded)
    position = sine_positions(*size, WIDTH, projected.device)
    yield from _exact(name, "pos", _thin(as_map(position[None], size)[0], 64), recorded)
    labels = torch.from_numpy(recorded["labels"])
    identity = net.identify(labels[:1])
    yield from _exact(name, "id0", _thin(as_map(identity, size)[0], 64), recorded)
    block: Any = net.LSTT.layers[0]
    parts = {
        "self": block.self_attn,
        "q": block.linear_Q,
        "long": block.long_term_attn,
        "short": block.short_term_attn,
        "ffn": block.linear2,
    }
    memory: FrameMemory = ()
    for t in (0, 1):
        seen = ActivationRecorder()
        with seen.into(parts):
            features = net.encode_frame(images[t])
            if t == 0:
                _, memory = net.reference(features, identity)
            else:
                matched = net.match(features, memory, memory)
        for part in parts:
            yield from _inside(name, f"blk0_t{t}_{part}", _thin(as_map(seen[part], size)[0], 32), recorded)
    first = net.remember(matched.seen, net.identify(labels[1:2]))[0]
    for key, value in (("mem_t1_k", first.key), ("mem_t1_v", first.value)):
        yield from _inside(name, key, _thin(as_map(joined(value), size)[0], 32), recorded)


def check_sequences(folder: Folder, name: str, net: Aot) -> Iterator[Check]:
    """Five frames with given labels, with predicted ones, and one frame between two references."""
    recorded, images = _recording(folder, name)
    features = [net.encode_frame(image) for image in images]
    yield from _given_labels(name, net, recorded, features)
    yield from _two_references(name, net, recorded, features)
    labels = torch.from_numpy(recorded["labels"])
    objects, size = int(recorded["obj_num"]), (labels.shape[1], labels.shape[2])
    tracker = AotTracker(net, mem_every=int(recorded["gap"]))
    tracker.add_reference(features[0], labels[0], num_objects=objects)
    stored = torch.from_numpy(recorded["free_labels"])
    wrong, sure = [], []
    for t, feature in enumerate(features[1:]):
        logits = tracker.propagate(feature)
        best = tracker.merged(logits, size).topk(2, dim=0).values
        clear = best[0] - best[1] > 2 * LOGITS
        wrong.append((tracker.labels(logits, size) != stored[t]) & clear)
        sure.append(clear)
        tracker.update(stored[t])  # not our own: what one rounding changes would grow from frame to frame
    share = float(torch.stack(sure).float().mean())
    pixels = float(torch.stack(wrong).sum())
    yield Check(f"{name} free_labels", pixels, 0, "pixels that differ beyond rounding")
    yield Check(f"{name} free_labels that are clear", 1 - share, UNCLEAR, "share of pixels within rounding")


def check_many_objects(folder: Folder, net: Aot) -> Iterator[Check]:
    """13 objects in two groups."""
    recorded = folder.arrays("aott_13obj.npz")
    base = folder.json("inputs.json")["frame_seed_base"]
    labels = torch.from_numpy(recorded["labels"])
    size = (labels.shape[1], labels.shape[2])
    features = [net.encode_frame(frame(base, t, size)) for t in range(len(labels))]
    tracker = AotTracker(net, mem_every=2)
    tracker.add_reference(features[0], labels[0], num_objects=13)
    raw, merged = [], []
    for t in range(1, len(labels)):
        raw.append(tracker.propagate(features[t]))
        merged.append(tracker.merged(raw[-1], MERGED_SIZE))
        tracker.update(labels[t])
    yield from _logits("aott 13 objects", "raw", torch.stack(raw)[..., ::2, ::2], recorded)
    yield from _logits("aott 13 objects", "merged", torch.stack(merged)[..., ::4, ::4], recorded)


def _given_labels(name: str, net: Aot, recorded: Arrays, features: list[FrameFeatures]) -> Iterator[Check]:
    labels = torch.from_numpy(recorded["labels"])
    maps, memory = net.reference(features[0], net.identify(labels[:1]))
    engine = AotEngine(net, mem_every=int(recorded["gap"]))
    engine.add_reference(memory)
    raw, tokens, outputs = [net.decode(maps, features[0])], [engine.long.num_tokens], {0: maps}
    norms: Any = net.LSTT.decoder_norms
    for t in range(1, len(features)):
        seen = ActivationRecorder()
        with seen.into({str(i): norm for i, norm in enumerate(norms)}):
            raw.append(engine.propagate(features[t]))
        size = (features[t].key.shape[2], features[t].key.shape[3])
        outputs[t] = [as_map(x, size) for x in seen.values()]
        engine.update(labels[t : t + 1])
        tokens.append(engine.long.num_tokens)
    for t in (0, 1, 4):
        for i, x in enumerate(outputs[t]):
            yield from _inside(name, f"lstt_t{t}_l{i}", _thin(x[0], 64), recorded)
    yield from _logits(name, "raw", torch.cat(raw), recorded)
    objects = int(recorded["obj_num"])
    known = mask_unused(torch.cat(raw), [objects] * len(raw))
    full = net.resize(known, tuple(recorded["output_size"].tolist()))[:, : objects + 1, ::4, ::4]
    yield from _logits(name, "logits", full, recorded)
    yield Check.compare(f"{name} lt_tokens", tokens, recorded["lt_tokens"])


def _two_references(name: str, net: Aot, recorded: Arrays, features: list[FrameFeatures]) -> Iterator[Check]:
    labels = torch.from_numpy(recorded["labels"])
    references = ReferenceMemories(net)
    for t in (4, 0):
        references.annotate(t, features[t], labels[t : t + 1])
    engine = AotEngine(net, mem_every=int(recorded["gap"]))
    engine.begin(references.all(), references[4])
    yield from _logits(name, "tworef_raw", engine.propagate(features[3])[0], recorded)
    yield Check.compare(f"{name} tworef_lt_tokens", engine.long.num_tokens, recorded["tworef_lt_tokens"])


def _recording(folder: Folder, name: str) -> tuple[Arrays, list[Tensor]]:
    recorded = folder.arrays(f"{name}.npz")
    count, height, width = recorded["labels"].shape
    base = folder.json("inputs.json")["frame_seed_base"]
    return recorded, [frame(base, t, (height, width)) for t in range(count)]


def _thin(x: Tensor, channels: int) -> Tensor:
    """About so many channels of (C, h, w)."""
    return x[:: max(1, len(x) // channels)]


def _exact(name: str, key: str, ours: Tensor, recorded: Arrays) -> Iterator[Check]:
    """Within the tolerance, absolute and relative together."""
    if key in recorded:
        scale = 1 + np.abs(recorded[key])
        same = ours.numpy() / scale if tuple(ours.shape) == scale.shape else ours.numpy()
        yield Check.compare(f"{name} {key}", same, recorded[key] / scale, tolerance=EXACT)


def _inside(name: str, key: str, ours: Tensor, recorded: Arrays) -> Iterator[Check]:
    if key in recorded:
        yield Check.compare(f"{name} {key}", ours, recorded[key], tolerance=INSIDE)


def _logits(name: str, key: str, ours: Tensor, recorded: Arrays) -> Iterator[Check]:
    if key in recorded:
        yield Check.compare(f"{name} {key}", ours, recorded[key], tolerance=LOGITS)
