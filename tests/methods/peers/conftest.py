import numpy as np
import pytest

from civos_siaf import Frames
from civos_siaf.methods.peers.sam import Sam
from civos_siaf.methods.peers.sam_settings import SamSettings
from civos_siaf.weights.hub import sam_network
from tests.methods.peers.tiny_sam import FAMILIES, save_tiny

NAMES = {"sam2": "sam2.1-tiny", "edgetam": "edgetam", "sam3": "sam3"}
VIDEO = np.random.default_rng(0).integers(0, 256, (9, 48, 80, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Makes the folder of a small tracker of a family, once."""
    pytest.importorskip("transformers", reason='needs the extra: pip install "civos-siaf[sam]"')
    made = {}

    def folder(family):
        if family not in made:
            made[family] = save_tiny(family, tmp_path_factory.mktemp(family))
        return made[family]

    return folder


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="session")
def method(folders):
    """Makes a method of a family."""

    def make(family="sam2", *, network=None, strokes=None, interaction=None, max_undo=3, **settings):
        loaded = sam_network(NAMES[family], folders(family), **(network or {}))
        return Sam(
            loaded,
            settings=SamSettings(**settings),
            strokes=strokes,
            interaction=interaction,
            max_undo=max_undo,
        )

    return make


@pytest.fixture
def opened(method):
    """Opens a session on the video."""

    def open_(family="sam2", *, num_objects=2, video=VIDEO, **options):
        return method(family, **options).open(Frames.open(video), num_objects=num_objects)

    return open_
