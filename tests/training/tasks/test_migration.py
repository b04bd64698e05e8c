"""Spec siaf 15.7: attention carries marks to frames where nobody drew; without it nothing does."""

from itertools import permutations

import cv2
import numpy as np
import pytest
import torch

from civos_siaf.data.users.marks import MarkUser
from civos_siaf.training.losses import AotLoss
from civos_siaf.training.tasks.interaction import InteractionTask, answer
from civos_siaf.weights.afi_networks import build

FRAMES, SIDE, CELL = 3, 64, 8
PLACES = (((1, 1), (1, 5), (5, 2)), ((4, 1), (1, 2), (4, 5)), ((5, 5), (4, 1), (1, 4)))
"""By frame and object, in cells."""
COLOURS = ((0.95, 0.1, 0.1), (0.1, 0.9, 0.1), (0.1, 0.2, 0.95))
ORDERS = torch.tensor([[0, *order, *range(4, 11)] for order in permutations((1, 2, 3))])
"""All six ways to name the objects. A frame's own mark tells one name, so two ways remain: without the other
frames' marks at most half of the rest can be right."""


def clip():
    """Three squares in other places on every frame; object k is marked on frame k only."""
    noise = np.random.default_rng(0).uniform(0.25, 0.75, size=(FRAMES, 8, 8, 3)).astype(np.float32)
    images = np.stack([cv2.resize(frame, (SIDE, SIDE)) for frame in noise]).transpose(0, 3, 1, 2)
    labels = np.zeros((FRAMES, SIDE, SIDE), np.int64)
    marks = np.full_like(labels, -1)
    for t, places in enumerate(PLACES):
        for k, (y, x) in enumerate(places):
            y, x = y * CELL, x * CELL
            labels[t, y : y + 20, x : x + 20] = k + 1
            images[t, :, y : y + 20, x : x + 20] = np.array(COLOURS[k])[:, None, None]
            if k == t:
                marks[t, y + 8 : y + 11, x + 4 : x + 16] = k + 1
    return torch.tensor(images), torch.tensor(labels), torch.tensor(marks)


def batch(size):
    images, labels, marks = (torch.stack([x] * size) for x in clip())
    return {
        "images": images,
        "labels": labels,
        "marks": marks,
        "previous": torch.full_like(labels, -1),
        "num_objects": torch.full((size,), 3),
        "on_policy": torch.zeros(size, dtype=torch.bool),
        "index": torch.arange(size),
    }


def ious(task):
    """IoU on marked and on other pairs of object and frame, means over all orders."""
    data = batch(len(ORDERS))
    task.eval()
    with torch.no_grad():
        logits = task.logits(data, ORDERS)
    predicted = answer(logits, (SIDE, SIDE), data["num_objects"])
    marked, others = [], []
    for t in range(FRAMES):
        for k in range(3):
            a, b = predicted[:, t] == k + 1, data["labels"][:, t] == k + 1
            iou = (a & b).sum(dim=(1, 2)) / (a | b).sum(dim=(1, 2))
            (marked if t == k else others).append(float(iou.mean()))
    return np.mean(marked), np.mean(others)


def fitted(*, across, steps, enough=1.0):
    """The clip learned by heart, under changing names; ends when all is better than `enough`."""
    torch.manual_seed(0)
    task = InteractionTask(
        build("afi-light", across=across),
        architecture="afi-light",
        loss=AotLoss(steps=160, align_corners=False),
        user=MarkUser(),
    )
    optimizer = torch.optim.AdamW(task.network.parameters(), lr=2e-3)
    data = batch(3)
    for step in range(steps):
        task.train()
        task._order = lambda index, at: ORDERS[(3 * at + index) % len(ORDERS)]
        optimizer.zero_grad()
        task(data, step).total.backward()
        torch.nn.utils.clip_grad_norm_(task.network.parameters(), 5.0)
        optimizer.step()
        if step >= 120 and step % 10 == 9 and min(ious(task)) > enough:
            break
    return ious(task)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_attention_across_frames_carries_objects_to_frames_without_their_mark():
    marked, others = fitted(across=True, steps=240, enough=0.96)
    assert marked > 0.95
    assert others > 0.95


def test_without_it_only_marked_objects_are_found():
    marked, others = fitted(across=False, steps=80)
    assert marked > 0.8
    assert others < 0.6
