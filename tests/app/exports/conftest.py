import pytest

from tests.app.exports.fakes import FakeAnnotation, scene


@pytest.fixture
def annotation():
    """Four frames of odd size: holes, parts, single pixels, touching objects, one empty, one full."""
    return FakeAnnotation(scene())
