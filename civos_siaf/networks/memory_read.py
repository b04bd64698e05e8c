"""Reading a space-time memory: scaled dot products, the strongest k, a weighted sum.

Source: docs/specification/mivos.md section 4.3.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 8 * 2**20
"""Most affinities that are held at a time."""


def affinity(memory_key: Tensor, query_key: Tensor) -> Tensor:
    """Scaled dot products; of float32 keys they are exact under autocast as well.

    Networks whose keys are float32 under autocast hold squared lengths in them, which half floats cannot.

    Args:
        memory_key: (G, M, C), one row per memory position; G is the number of objects or 1.
        query_key: (C, Q), one column per query position.

    Returns:
        (G, Q, M).
    """
    with _precision(memory_key):
        scaled = query_key.t() * query_key.shape[0] ** -0.5
        return torch.matmul(scaled, memory_key.transpose(1, 2))


def read_memory(
    memory_key: Tensor, memory_value: Tensor, query_key: Tensor, *, top_k: int | None = 50
) -> Tensor:
    """Read every object's memory at every query position; for training see `read_batch`.

    Args:
        memory_key: (G, M, C_k); G is K, or 1 where all objects have the same keys.
        memory_value: (K, M, C_v).
        query_key: (C_k, Q).
        top_k: softmax over so many memory positions only, or over all where there are fewer; None: all.

    Returns:
        (K, C_v, Q).
    """
    groups, positions, _ = memory_key.shape
    num_objects, _, channels = memory_value.shape
    queries = query_key.shape[1]
    out = memory_value.new_empty(num_objects, queries, channels)
    step = max(1, min(queries, CHUNK // positions))
    for start in range(0, queries, step):
        columns = query_key[:, start : start + step]
        for group in range(groups):
            own = slice(group, group + 1) if groups > 1 else slice(None)
            logits = affinity(memory_key[group : group + 1], columns)[0]
            out[own, start : start + step] = _read(logits, memory_value[own], top_k)
    return out.transpose(1, 2)


def _read(logits: Tensor, values: Tensor, top_k: int | None) -> Tensor:
    """Affinities (Q, M) and values (K, M, C) to (K, Q, C)."""
    if top_k is None or top_k >= logits.shape[1]:
        return torch.matmul(logits.softmax(dim=1).to(values.dtype), values)
    top, index = logits.topk(top_k, dim=1, sorted=False)
    weights = top.softmax(dim=1).to(values.dtype)
    rows = [F.embedding_bag(index, value, mode="sum", per_sample_weights=weights) for value in values]
    return torch.stack(rows)


def read_batch(memory_key: Tensor, memory_value: Tensor, query_key: Tensor, *, top_k: int | None) -> Tensor:
    """Read the memories of several objects of several videos, each at its own query; for training.

    Args:
        memory_key: (P, M, C_k).
        memory_value: (P, M, C_v).
        query_key: (P, C_k, Q).
        top_k: as in `read_memory`.

    Returns:
        (P, C_v, Q), float32 under autocast as well.
    """
    with torch.autocast(query_key.device.type, enabled=False):
        scaled = query_key.float().transpose(1, 2) * query_key.shape[1] ** -0.5
        logits = torch.bmm(scaled, memory_key.float().transpose(1, 2))
        if top_k is not None and top_k < logits.shape[2]:
            least = logits.topk(top_k, dim=2).values[:, :, -1:]
            logits = logits.masked_fill(logits < least, float("-inf"))
        return torch.bmm(logits.softmax(dim=2), memory_value.float()).transpose(1, 2)


def transfer(memory_key: Tensor, query_key: Tensor, maps: Tensor) -> Tensor:
    """Carry maps from a memory frame to the query by a full softmax over the memory.

    Source: docs/specification/mivos.md section 5.1.

    Args:
        memory_key: (G, C, h, w) of one frame.
        query_key: (1, C, h, w).
        maps: (K, D, h, w).

    Returns:
        (K, D, h, w).
    """
    rows = memory_key.flatten(2).transpose(1, 2)
    with _precision(memory_key):
        weights = affinity(rows, query_key[0].flatten(1)).softmax(dim=2)
        carried = torch.matmul(weights, maps.flatten(2).transpose(1, 2))
    return carried.transpose(1, 2).reshape(maps.shape[0], maps.shape[1], *query_key.shape[2:])


def _precision(key: Tensor) -> AbstractContextManager[object]:
    """Autocast off for float32 keys; half ones stay under it."""
    if key.dtype != torch.float32:
        return nullcontext()
    return torch.autocast(key.device.type, enabled=False)
