import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from civos_siaf.data.frame_choice import anywhere, choose_frames, near, steps
from civos_siaf.data.videos import Bl30kVideos, DavisVideos, YouTubeVosVideos
from civos_siaf.masks import write_png
from tests.data.layouts import write_bl30k, write_davis, write_youtubevos


def rng(seed=0):
    return np.random.default_rng(seed)


def test_davis_clip(tmp_path):
    videos = DavisVideos(write_davis(tmp_path), reverse=0)
    assert videos.names == ["bear", "bus"]
    clip = videos.clip(1, rng(), frames=3, gap=2)
    assert clip.images.shape == (3, 48, 80, 3)
    assert clip.name == "bus"
    assert set(np.unique(clip.labels)) == {0, 1, 2}
    again = videos.clip(1, rng(), frames=3, gap=2)
    assert np.array_equal(clip.images, again.images)


def test_davis_2016_has_one_object(tmp_path):
    videos = DavisVideos(write_davis(tmp_path, year=2016), year=2016)
    assert set(np.unique(videos.clip(0, rng(), frames=2, gap=3).labels)) == {0, 1}


def test_backwards_is_the_same_clip_reversed(tmp_path):
    write_davis(tmp_path)
    forth = DavisVideos(tmp_path, reverse=0).clip(0, rng(4), frames=3, gap=2)
    back = DavisVideos(tmp_path, reverse=1).clip(0, rng(4), frames=3, gap=2)
    assert np.array_equal(forth.labels, back.labels[::-1])
    assert not np.array_equal(forth.labels, back.labels)


def test_youtubevos_divides_the_gap(tmp_path):
    videos = YouTubeVosVideos(write_youtubevos(tmp_path, num_frames=30), reverse=0)
    assert videos.annotated(0)[:3] == ["00000", "00005", "00010"]
    stems = videos.annotated(0)
    frames = [videos.read(0, stem)[1] for stem in stems]

    def place(labels):
        return next(t for t, other in enumerate(frames) if np.array_equal(labels, other))

    steps_seen = set()
    for seed in range(20):
        first, second = (place(m) for m in videos.clip(0, rng(seed), frames=2, gap=5).labels)
        steps_seen.add(second - first)
    assert steps_seen <= {0, 1, 2}
    assert 2 in steps_seen


def test_youtubevos_leaves_out_videos_by_meta(tmp_path):
    write_youtubevos(tmp_path)
    meta = tmp_path / "train" / "meta.json"
    meta.write_text(
        '{"videos": {"003234408d": {"objects": {"1": {"frames": ["00000"]}}},'
        '"0043f083b5": {"objects": {"1": {"frames": ["00000", "00005"]}}}}}'
    )
    assert YouTubeVosVideos(tmp_path).names == ["0043f083b5"]
    meta.write_text('{"clips": {}}')
    with pytest.raises(ValueError, match=r"meta\.json: not a YouTube-VOS"):
        YouTubeVosVideos(tmp_path)


def test_bl30k(tmp_path):
    videos = Bl30kVideos(write_bl30k(tmp_path))
    assert len(videos) == 2
    assert videos.clip(0, rng(), frames=3, gap=5).labels.max() == 3


def test_mistakes_are_named(tmp_path):
    write_davis(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"val\.txt"):
        DavisVideos(tmp_path, split="val")
    with pytest.raises(FileNotFoundError, match="'cow'"):
        DavisVideos(tmp_path, sequences=["cow"])
    with pytest.raises(ValueError, match="frame choice must be one of near, steps, anywhere"):
        DavisVideos(tmp_path, choice="wild").clip(0, rng(), frames=1, gap=1)
    masks = tmp_path / "Annotations" / "480p" / "bear"
    write_png(masks / "00000.png", np.zeros((5, 6), np.uint8))
    with pytest.raises(ValueError, match=r"bear/00000\.png: size \(5, 6\)"):
        DavisVideos(tmp_path).read(0, "00000")
    (tmp_path / "JPEGImages/480p/bear/00001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"bear/00001\.jpg"):
        DavisVideos(tmp_path).read(0, "00001")
    for path in masks.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no annotated frame"):
        DavisVideos(tmp_path).clip(0, rng(), frames=1, gap=1)


def test_other_suffixes_are_found(tmp_path):
    write_davis(tmp_path)
    path = tmp_path / "JPEGImages/480p/bear/00001.jpg"
    Image.open(path).save(path.with_suffix(".png"))
    path.unlink()
    assert DavisVideos(tmp_path).read(0, "00001")[0].shape == (48, 80, 3)


lengths = st.integers(1, 40)


@given(lengths, st.integers(1, 6), st.integers(1, 30), st.integers(0, 99))
def test_chosen_frames_exist(num_frames, frames, gap, seed):
    for choice in ("near", "steps", "anywhere"):
        chosen = choose_frames(choice, num_frames, rng(seed), frames=frames, gap=gap)
        assert len(chosen) == frames
        assert all(0 <= t < num_frames for t in chosen)


@given(lengths, st.integers(1, 30), st.integers(0, 99))
def test_near_keeps_its_distance(num_frames, gap, seed):
    first, second, third = near(num_frames, rng(seed), frames=3, gap=gap)
    assert 0 <= third - second <= gap + 1 or second > num_frames - gap // 2
    assert second - first <= gap + 1
    reach = min(gap, num_frames)
    assert second <= num_frames - reach
    assert third <= num_frames - reach // 2


@given(st.integers(2, 40), st.integers(0, 99))
def test_steps_reflect_and_anywhere_differs(num_frames, seed):
    chosen = steps(num_frames, rng(seed), frames=5, gap=3)
    assert all(abs(a - b) <= 3 for a, b in itertools.pairwise(chosen))
    whole = anywhere(num_frames, rng(seed), frames=2, gap=1)
    assert whole[0] < whole[1]


def test_names_without_zeros_are_in_the_order_of_time(tmp_path):
    videos = DavisVideos(write_davis(tmp_path, num_frames=12), reverse=0)
    before = [videos.read(0, stem)[1] for stem in videos.annotated(0)]
    for folder in ("JPEGImages/480p/bear", "Annotations/480p/bear"):
        for path in sorted((tmp_path / folder).iterdir()):
            suffix = ".PNG" if path.suffix == ".png" else ".JPG"
            path.rename(path.parent / f"{int(path.stem)}{suffix}")
        (tmp_path / folder / "._0.png").write_bytes(b"\x00\x05\x16\x07")
    videos = DavisVideos(tmp_path, reverse=0)
    assert videos.annotated(0) == [str(number) for number in range(12)]
    for stem, labels in zip(videos.annotated(0), before, strict=True):
        np.testing.assert_array_equal(videos.read(0, stem)[1], labels)
    clip = videos.clip(0, rng(), frames=3, gap=1).labels
    shown = [next(t for t, other in enumerate(before) if np.array_equal(labels, other)) for labels in clip]
    assert shown == sorted(shown)
    assert shown[2] - shown[0] <= 2
