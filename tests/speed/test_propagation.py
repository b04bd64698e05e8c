import pytest

from civos_siaf.speed import long_video, propagation


@pytest.mark.parametrize("method", ["light"])
def test_a_row_per_number_of_objects(method):
    rows = list(
        propagation.run(
            methods=(method,), objects=(1, 3), frames=3, height=48, width=64, repeats=1, threads=1, keep=False
        )
    )
    assert [row["network and objects"] for row in rows] == ["light, 1", "light, 3"]
    assert all(0 < row["first round"] < 30 and 0 < row["later round"] < 30 for row in rows)


def test_memory_stays_flat_on_a_long_video(tmp_path):
    rows = list(
        long_video.run(
            frames=300,
            height=48,
            width=64,
            threads=1,
            feature_mib=4,
            mask_mib=1,
            plot=str(tmp_path / "m.png"),
        )
    )
    resident = {row["frames"]: row["resident MiB"] for row in rows}
    # All frames' probabilities and features alone would be another 30 MiB.
    assert resident[299] - resident[89] < 12
    assert (tmp_path / "m.png").stat().st_size > 0
