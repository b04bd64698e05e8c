import pytest
import torch

from tests.networks.aot.fresh import fresh_aot


@pytest.fixture(scope="module")
def net():
    torch.set_num_threads(1)
    return fresh_aot("aots", strength=300)
