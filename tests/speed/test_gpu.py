import pytest

from civos_siaf.prompts import Click, MaskPrompt
from civos_siaf.speed import gpu
from civos_siaf.speed.propagation import made_video
from civos_siaf.speed.siaf import play_round


def test_one_page_with_everything_measured(tmp_path):
    """The GPU's page, on the processor and tiny."""
    rows = list(
        gpu.run(
            device="cpu",
            out=str(tmp_path / "page.md"),
            methods=("siaf_light", "mivos_light", "civos_light"),
            networks=("light",),
            objects=(1, 2),
            size=(64, 96),
            length=3,
            lines=(64,),
            frames=(1,),
            crop=64,
            repeats=1,
            threads=1,
        )
    )
    what = [str(row["what"]) for row in rows]
    assert sum("Fig. 6" in one for one in what) == 2
    assert {one.split(",")[0] for one in what if "objects" in one and "Fig" not in one} == {
        "siaf_light",
        "mivos_light",
        "civos_light",
    }
    assert sum(one.startswith("two clicks") for one in what) == 4
    assert what[-1] == "training, light-interaction, batch 4 x 3 frames of 64"
    assert all(float(row["figure"]) > 0 for row in rows if "AFA" not in str(row["what"]))
    page = (tmp_path / "page.md").read_text()
    assert all(one in page for one in what)
    assert "- device: cpu" in page


def test_without_a_gpu_it_says_so():
    with pytest.raises(ValueError, match="device cuda needs GPU 0"):
        next(gpu.run())


def test_every_method_can_be_built():
    assert set(gpu.METHODS) == set(gpu.METHOD_BUILDERS)


class Clicked:
    """A method that takes clicks and masks, as CiVOS, and counts them."""

    accepts = (Click, MaskPrompt)

    def open(self, frames, *, num_objects):
        self.given = []
        return self

    def interact(self, prompts):
        self.given.append([type(prompt) for prompt in (*prompts.clicks, *prompts.scribbles, *prompts.masks)])
        return {}

    def propagate(self):
        return None


def test_a_round_of_a_method_without_strokes_is_clicked():
    method = Clicked()
    play_round(method, made_video(2, 64, 96), 3)
    assert method.given == [[Click] * 3, [MaskPrompt] * 3]
