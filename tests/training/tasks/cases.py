"""The tasks with small networks, each with a batch."""

from civos_siaf.networks.light_clicks import LightClicks
from civos_siaf.networks.s2m import LightS2m
from civos_siaf.training.losses import BootstrappedCrossEntropy
from civos_siaf.training.tasks.clicks import ClickTask
from civos_siaf.training.tasks.s2m import S2mTask
from tests.training.tasks import test_clicks, test_identity, test_interaction, test_propagation, test_s2m


def clicks():
    network = LightClicks(internal_side=64, width=16, head_width=8)
    return ClickTask(network, architecture="light-clicks"), test_clicks.batch()


def s2m():
    loss = BootstrappedCrossEntropy(start=100, end=200, per_sample=False)
    return S2mTask(LightS2m(width=16), architecture="light-s2m", loss=loss), test_s2m.batch(2)


def propagation(frozen):
    return test_propagation.light(freeze_bn=frozen), test_propagation.batch()


def identity():
    return test_identity.light(freeze_bn=["trunk."]), test_propagation.batch()


def interaction():
    return test_interaction.make(), test_interaction.batch(on_policy=(True, False))


CASES = {
    "clicks": clicks,
    "s2m": s2m,
    "propagation": lambda: propagation(False),
    "trunk frozen": lambda: propagation(["trunk."]),
    "all frozen": lambda: propagation(True),
    "identity": identity,
    "interaction": interaction,
}
