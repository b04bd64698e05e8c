"""Everything recorded from MiVOS: networks, aggregation, losses, and rounds from end to end."""

from collections.abc import Iterator

import torch

from civos_siaf.networks.mask_fusion import MaskFusion
from civos_siaf.networks.s2m import S2m
from civos_siaf.networks.stm import Stm
from tests.parity import mivos_davis as davis
from tests.parity import mivos_networks as networks
from tests.parity import mivos_rounds as rounds
from tests.parity.check import Check, Folder


@torch.inference_mode()
def check(folder: Folder) -> Iterator[Check]:
    """All checks."""
    yield from networks.check_shapes(folder)
    stm = networks.network(folder, "propagation", Stm())
    fusion = networks.network(folder, "fusion", MaskFusion())
    s2m = networks.network(folder, "s2m", S2m())
    yield from networks.check_propagation(folder, stm)
    yield from networks.check_fusion(folder, fusion)
    yield from networks.check_s2m(folder, s2m)
    yield from networks.check_aggregate(folder)
    yield from networks.check_losses(folder)
    yield from rounds.check(folder, stm, fusion)
    yield from davis.check(folder, stm, fusion, s2m)
