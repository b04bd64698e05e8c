import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small tensors: more threads than free cores would only wait for each other."""
    torch.set_num_threads(1)
