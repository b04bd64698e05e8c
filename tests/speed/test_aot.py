import pytest
import torch

from civos_siaf.speed import aot, local_attention


def test_every_form_has_a_row_and_the_same_result():
    rows = list(local_attention.run(height=5, width=6, threads=1, repeats=1))
    assert [row["form"] for row in rows] == ["unfolded", "shifted", "masked", "tiled"]
    assert all(float(row["difference"]) < 1e-4 for row in rows)


def test_frames_are_timed_by_objects():
    rows = list(
        aot.run(networks=("aott",), objects=(1, 13), height=64, width=96, threads=1, repeats=1, keep=False)
    )
    assert [row["network and objects"] for row in rows] == ["aott, 1", "aott, 13"]
    for row in rows:
        parts = sum(row[name] for name in ("encode", "match", "labels", "update"))
        assert parts > 0
        assert parts == pytest.approx(row["frame"])
        assert row["processor"] > 0


def test_boxes_are_all_there():
    labels = aot.boxes(13, (481, 849))
    assert torch.unique(labels).tolist() == list(range(14))
