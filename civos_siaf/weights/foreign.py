"""Weight files of other projects that people have beside the ones that are wanted, by the names in them."""

from __future__ import annotations

from collections.abc import Collection

FOREIGN = {
    "STCN, which propagates by one key for images and memory; wanted is MiVOS' own propagation": (
        "key_comp.weight",
        "key_proj.key_proj.weight",
    ),
    "XMem, which is not among the networks here": ("key_proj.shrinkage.weight",),
    "f-BRS with HRNet; MiVOS' tool uses the one with ResNet-50, resnet50_dh128_lvis.pth": (
        "feature_extractor.stage2.0.branches.0.0.conv1.weight",
        "rgb_conv.0.weight",
    ),
}
"""What a file is, by names of tensors that are all in it."""


def foreign(names: Collection[str]) -> str | None:
    """Of what other project a file with these tensors is; None if that is not known."""
    return next((what for what, marks in FOREIGN.items() if all(mark in names for mark in marks)), None)
