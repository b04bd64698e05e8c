"""What a session holds is free once nobody holds the session, without the garbage collector."""

import gc
import weakref

import pytest

from civos_siaf import Click, Prompts
from tests.methods import round_toys, siaf_toys

CLICK = Prompts((Click(1, 1, 20, 20),))


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("kind", ["civos", "siaf"])
def test_propagators_of_sessions_that_are_over_are_gone(kind, aot):
    alive = weakref.WeakSet()
    for _ in range(3):
        session = round_toys.civos() if kind == "civos" else siaf_toys.opened(aot)
        alive.add(session.propagator)
        session.interact(CLICK if kind == "civos" else siaf_toys.ONE)
        labels = session.propagate()
        assert len(labels) > 1
        session.undo()
        del session, labels
    assert len(alive) == 0
