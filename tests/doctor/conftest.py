import numpy as np
import pytest
from PIL import Image

from civos_siaf.doctor import machine, search
from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights import locate


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to stand in, where no data or weights of this machine are found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(locate.VARIABLE, raising=False)
    monkeypatch.delenv(search.DAVIS_VARIABLE, raising=False)
    monkeypatch.setattr(
        "civos_siaf.doctor.examination.weight_folders", lambda given: [*given, resource_folder("checkpoints")]
    )
    monkeypatch.setattr("civos_siaf.doctor.examination.data_folders", lambda given: list(given))
    return tmp_path


@pytest.fixture
def davis(tmp_path):
    """Makes a small DAVIS with the split it is asked for."""

    def make(split="val", *, year=2017, name="davis2017"):
        root = tmp_path / "sets" / name
        for part, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
            frames = root / part / "480p" / "car"
            frames.mkdir(parents=True)
            for index in range(2):
                picture = Image.fromarray(np.eye(20, 30, dtype=np.uint8))
                if suffix == "png":
                    picture.putpalette([0, 0, 0, 128, 0, 0])
                picture.save(frames / f"{index:05d}.{suffix}")
        (root / "ImageSets" / str(year)).mkdir(parents=True)
        (root / "ImageSets" / str(year) / f"{split}.txt").write_text("car\n")
        return root

    return make


@pytest.fixture
def machine_like():
    """A synthetic machine."""
    return machine.Machine(
        python="3.12.0",
        system="Linux",
        versions={"torch": "2.9", "av": None},
        processor="a processor",
        cores=4,
        threads=2,
        accelerators=(),
        memory=None,
        disk=5 * 2**30,
    )
