"""Networks of AOT as they begin, but for one thing."""

import torch

from civos_siaf.networks.aot.network import Aot
from civos_siaf.networks.aot.variants import VARIANTS


def fresh_aot(architecture: str, *, strength: float) -> Aot:
    """The same network each time, to be read only; identities weigh `strength` times as much.

    As they begin, identities are too weak to be seen in what the network answers.
    """
    torch.manual_seed(0)
    net = VARIANTS[architecture].build().eval().requires_grad_(False)
    net.patch_wise_id_bank.weight.mul_(strength)
    return net
