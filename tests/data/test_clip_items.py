import numpy as np
import pytest
import torch

from civos_siaf.data.clip_augment import ClipAugment, ResizedCrop, ScaledCrop
from civos_siaf.data.clip_items import ClipItems, GapSchedule
from civos_siaf.data.colour import Jitter
from civos_siaf.data.samples import Clip
from civos_siaf.data.videos import DavisVideos
from civos_siaf.data.warp import Motion
from tests.data.layouts import write_davis


def rng(seed=0):
    return np.random.default_rng(seed)


class Given:
    """Clips of these labels, the frames' numbers as colours."""

    def __init__(self, *labels):
        self.labels = labels
        self.gaps = []

    def __len__(self):
        return len(self.labels)

    def clip(self, index, rng, *, frames, gap):
        self.gaps.append(gap)
        labels = self.labels[index][:frames]
        return Clip(f"v{index}", np.stack([labels * 20] * 3, axis=-1), labels)


def labels(*areas_per_frame):
    """A clip in which object k + 1 has the k-th area."""
    maps = np.zeros((len(areas_per_frame), 40, 50), np.uint8)
    for frame, areas in zip(maps, areas_per_frame, strict=True):
        for k, area in enumerate(areas):
            frame[10 * k : 10 * k + 10].ravel()[:area] = k + 1
    return maps


@pytest.fixture
def davis(tmp_path):
    return DavisVideos(write_davis(tmp_path))


def test_items_have_the_shapes_of_the_task(davis):
    item = ClipItems(davis, augment=ClipAugment(size=(32, 48))).item(3, rng(), step=0)
    assert item["images"].shape == (3, 3, 32, 48)
    assert item["images"].dtype == torch.float32
    assert 0 <= float(item["images"].min()) < float(item["images"].max()) <= 1
    assert item["images"].is_contiguous()
    assert item["labels"].shape == (3, 32, 48)
    assert item["labels"].dtype == torch.int64
    assert int(item["labels"][0].max()) == int(item["num_objects"]) >= 1
    assert item["num_objects"].dtype == torch.int64


def test_an_item_depends_on_its_generator_only(davis):
    items = ClipItems(davis, augment=ClipAugment(size=(32, 32)), merge=0.5, gap=3)
    first = items.item(5, rng(9), step=7)
    items.item(6, rng(10), step=8)
    again = items.item(5, rng(9), step=7)
    other = items.item(5, rng(11), step=7)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["images"], other["images"])


def test_objects_are_numbered_without_gaps_and_others_are_background():
    clips = Given(labels([0, 30, 40, 50], [60, 30, 40, 50]))
    seen = set()
    for seed in range(20):
        item = ClipItems(clips, frames=2, max_objects=2).item(0, rng(seed), step=0)
        assert int(item["num_objects"]) == 2
        areas = torch.bincount(item["labels"][0].ravel(), minlength=3).tolist()
        assert len(areas) == 3
        seen.add(tuple(areas[1:]))
        assert torch.equal(item["labels"][0], item["labels"][1]), "object 1 is not in the first frame"
    assert len(seen) == 6


def test_objects_must_be_large_enough_in_the_first_frame():
    clips = Given(labels([30, 20], [30, 200]))
    item = ClipItems(clips, frames=2, min_pixels=25).item(0, rng(), step=0)
    assert int(item["num_objects"]) == 1
    anywhere = ClipItems(clips, frames=2, min_pixels=25, visible="any").item(0, rng(), step=0)
    assert int(anywhere["num_objects"]) == 2


def test_emerging_objects_are_left_out():
    clips = Given(labels([30, 30, 60], [39, 40, 99]))
    item = ClipItems(clips, frames=2, max_objects=3, emerging=(50, 40)).item(0, rng(), step=0)
    areas = torch.bincount(item["labels"][0].ravel())[1:].tolist()
    assert sorted(areas) == [30, 60]


def test_unknown_pixels_stay_unknown():
    truth = labels([30])
    truth[0, -1] = 255
    item = ClipItems(Given(truth), frames=1).item(0, rng(), step=0)
    assert sorted(torch.unique(item["labels"]).tolist()) == [0, 1, 255]
    assert int(item["num_objects"]) == 1


def test_clips_without_objects_are_drawn_anew():
    clips = Given(labels([]), labels([]), labels([50]))
    assert all(int(ClipItems(clips, frames=1).item(0, rng(s), step=0)["num_objects"]) for s in range(10))
    with pytest.raises(ValueError, match="no object of 51 pixels in 10 videos"):
        ClipItems(clips, frames=1, min_pixels=51).item(0, rng(), step=0)


def test_the_gap_follows_the_step():
    clips = Given(labels([50]))
    items = ClipItems(clips, frames=1, gap=GapSchedule(total=100))
    for step in (0, 10, 20, 39, 40, 89, 90, 1000):
        items.item(0, rng(), step=step)
    assert clips.gaps == [5, 10, 15, 20, 25, 25, 5, 5]


def test_merging_adds_the_second_clip_s_objects():
    clips = Given(labels([100]), np.roll(labels([100, 100]), 20, axis=1))
    counts = {int(ClipItems(clips, frames=1, max_objects=9, merge=1.0).item(0, rng(s), step=0)["num_objects"])
              for s in range(12)}  # fmt: skip
    assert 3 in counts


@pytest.mark.parametrize(
    "options", [{"starts": [0.1], "gaps": [1]}, {"starts": [0], "gaps": []}, {"gaps": [0] * 6}, {"total": 0}]
)
def test_wrong_schedules(options):
    with pytest.raises(ValueError, match=r"expected a gap|must grow"):
        GapSchedule(**{"total": 5, **options})


def test_wrong_options(davis):
    for options, message in [
        ({"frames": 0}, "frames 0"),
        ({"max_objects": 255}, "max_objects 255"),
        ({"visible": "last"}, "visible must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            ClipItems(davis, **options)
    with pytest.raises(ValueError, match="no videos"):
        ClipItems(Given())


STILL = {
    "frame_motion": Motion(),
    "shared_colour": Jitter(),
    "frame_colour": Jitter(),
    "flip": 0.0,
}


def test_frames_share_the_window(davis):
    clip = davis.clip(0, rng(), frames=3, gap=2)
    same = Clip("", clip.images[[0, 0]], clip.labels[[0, 0]])
    out = ClipAugment(size=(30, 40), **{**STILL, "flip": 0.5})(same, rng(3))
    assert np.array_equal(out.images[0], out.images[1])
    moved = ClipAugment(size=(30, 40), **{**STILL, "frame_motion": Motion(rotation=15)})(same, rng(3))
    assert not np.array_equal(moved.labels[0], moved.labels[1])


def test_the_whole_picture_at_its_size_is_unchanged(davis):
    clip = davis.clip(0, rng(), frames=2, gap=2)
    for window in (ResizedCrop(area=(1, 1), ratio=(1, 1)), ScaledCrop(scale=(1, 1))):
        out = ClipAugment(size=(48, 80), window=window, **STILL)(clip, rng(1))
        assert np.array_equal(out.images, clip.images)
        assert np.array_equal(out.labels, clip.labels)


def test_windows_that_show_no_object_are_drawn_anew():
    truth = np.zeros((1, 60, 60), np.uint8)
    truth[:, :12, :12] = 1
    clip = Clip("", np.zeros((1, 60, 60, 3), np.uint8), truth)
    options = {"size": (20, 20), "window": ScaledCrop(scale=(1, 1)), "min_pixels": 20, **STILL}

    def shown(tries):
        augment = ClipAugment(tries=tries, **options)
        return sum(np.count_nonzero(augment(clip, rng(seed)).labels) >= 20 for seed in range(30))

    assert shown(1) < 12
    assert shown(30) > 25


def test_small_pictures_lie_in_the_middle_or_anywhere():
    picture = Clip("", np.full((1, 10, 10, 3), 9, np.uint8), np.ones((1, 10, 10), np.uint8))

    def corners(window):
        augment = ClipAugment(size=(20, 30), window=window, **STILL)
        places = [np.argwhere(augment(picture, rng(seed)).labels[0]) for seed in range(8)]
        assert all(len(place) == 100 for place in places)
        return {tuple(place[0]) for place in places}

    assert corners(ScaledCrop(scale=(1, 1))) == {(5, 10)}
    assert len(corners(ScaledCrop(scale=(1, 1), centred=False))) > 3
