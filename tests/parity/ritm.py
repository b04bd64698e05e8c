"""Everything recorded from RITM: networks, predictors, aggregation of objects, losses, geometry."""

from collections.abc import Iterator

from tests.parity import ritm_networks, ritm_predictors, ritm_small
from tests.parity.check import Check, Folder


def check(folder: Folder) -> Iterator[Check]:
    """All checks that the folder's files allow."""
    yield from ritm_networks.check(folder)
    yield from ritm_predictors.check(folder, ritm_networks.network)
    yield from ritm_small.check(folder)
