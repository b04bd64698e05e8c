from dataclasses import dataclass

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from civos_siaf.api.methods import built_method
from civos_siaf.runtime.compiling import compile_networks, compile_parts


class Network(nn.Module):
    """Called by two names, as ours are, with a list of blocks and an activation without weights."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.blocks = nn.ModuleList(nn.Sequential(*[nn.Conv2d(4, 4, 1)] * n) for n in range(1, 11))
        self.last = nn.Sigmoid()

    def encode(self, image):
        return self.encoder(image)

    def decode(self, features):
        for block in self.blocks:
            features = block(features)
        return self.last(features)


class Counting:
    """A backend of torch.compile that counts what it compiles and runs it as it is."""

    def __init__(self):
        self.compiled = 0

    def __call__(self, graph, inputs):
        self.compiled += 1
        return graph.forward


@pytest.fixture(autouse=True)
def as_before():
    yield
    torch._dynamo.reset()


def test_every_part_is_compiled_and_answers_the_same():
    torch.manual_seed(0)
    network, backend = Network().eval(), Counting()
    names = list(network.state_dict())
    image = torch.rand(1, 3, 8, 8)
    expected = network.decode(network.encode(image))
    parts = compile_parts(network, backend=backend)
    assert parts == ["encoder", *(f"blocks.{number}" for number in range(10))]
    found = network.decode(network.encode(image))
    # Each is another form of the same class, of which torch compiles eight by default.
    assert backend.compiled == 11
    torch.testing.assert_close(found, expected)
    assert list(network.state_dict()) == names


@dataclass(slots=True)
class Predictor:
    network: nn.Module
    size: int = 3


class Method:
    def __init__(self, network=None):
        self.predictor = Predictor(network or Network())
        self.parts = {"fusion": [Network()]}
        self.same = self.predictor

    def open(self, frames, *, num_objects):
        raise NotImplementedError


def test_all_networks_of_a_method_are_found_once():
    method = Method()
    assert compile_networks(method, backend=Counting()) == 2
    assert method.predictor.network.encoder._compiled_call_impl is not None
    assert method.parts["fusion"][0].encoder._compiled_call_impl is not None


class CompilesItself(Method):
    def __init__(self, compile=False):
        super().__init__()
        self.compile = compile


def test_a_method_is_built_with_compiled_networks():
    where = {"_target_": f"{__name__}.Method"}
    assert built_method(OmegaConf.create(where)).predictor.network.encoder._compiled_call_impl is None
    method = built_method(OmegaConf.create(where), compile=True)
    assert method.predictor.network.encoder._compiled_call_impl is not None
    own = OmegaConf.create({"_target_": f"{__name__}.CompilesItself", "compile": False})
    method = built_method(own, compile=True)
    assert method.compile  # which knows better what to compile
    assert method.predictor.network.encoder._compiled_call_impl is None
    assert not own.compile
