import numpy as np
import pytest

from civos_siaf.data.colour import Jitter
from civos_siaf.data.fields import Elastic, ThinPlate
from civos_siaf.data.samples import ImageSample
from civos_siaf.data.still_clips import PRESETS, ImageClips, StillMotion, paint
from civos_siaf.data.warp import Motion, crop_resize, warp_image, warp_labels


def rng(seed=0):
    return np.random.default_rng(seed)


class Pictures:
    """Objects in their own colours, so that labels can be checked against the image."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        image = np.full((60, 90, 3), 100, np.uint8)
        masks = np.zeros((3, 60, 90), bool)
        masks[0, 10:40, 10:40] = True
        masks[1, 20:30, 20:30] = True
        masks[2, 15:50, 55:80] = True
        for mask, colour in zip(masks[[0, 1, 2]], [(255, 0, 0), (0, 255, 0), (0, 0, 255)], strict=True):
            image[mask] = colour
        return ImageSample(f"p{index}", image, masks)


@pytest.mark.parametrize("motion", sorted(PRESETS))
def test_labels_follow_the_image(motion):
    clips = ImageClips(Pictures(), size=(64, 64), motion=motion)
    clip = clips.clip(0, rng(1), frames=4, gap=1)
    assert clip.images.shape == (4, 64, 64, 3)
    assert not np.array_equal(clip.labels[0], clip.labels[1])
    for label in range(1, 4):
        inside = clip.images[clip.labels == label].astype(int)
        if len(inside) > 50:
            middle = np.median(inside, axis=0)
            assert middle.max() - np.sort(middle)[1] > 90, "not the colour of one object"


def test_same_generator_same_clip():
    clips = ImageClips(Pictures(), size=(48, 64), motion="siaf")
    first, second = (clips.clip(1, rng(7), frames=3, gap=1) for _ in range(2))
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.images, clips.clip(1, rng(8), frames=3, gap=1).images)


def test_the_smaller_object_is_on_top():
    labels = paint(Pictures()[0], rng(3))
    assert len(np.unique(labels[20:30, 20:30])) == 1
    assert labels[25, 25] != labels[12, 12]
    assert set(np.unique(labels)) == {0, 1, 2, 3}


def test_at_most_so_many_objects_and_none_too_small():
    assert paint(Pictures()[0], rng(0), max_objects=2).max() == 2
    assert paint(Pictures()[0], rng(0), min_area=101).max() == 2
    assert paint(Pictures()[0], rng(0), min_area=10000).max() == 0


def test_no_motion_is_the_picture_itself():
    clip = ImageClips(Pictures(), size=(60, 90), motion=StillMotion()).clip(0, rng(), frames=2, gap=1)
    assert np.array_equal(clip.images[0], Pictures()[0].image)
    assert np.array_equal(clip.images[1], clip.images[0])


def test_first_frame_still():
    motion = StillMotion(frame=Motion(rotation=20), still_first=True)
    clip = ImageClips(Pictures(), size=(60, 90), motion=motion).clip(0, rng(), frames=2, gap=1)
    assert np.array_equal(clip.images[0], Pictures()[0].image)
    assert not np.array_equal(clip.images[1], clip.images[0])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="motion must be one of mivos, aot, siaf"):
        ImageClips(Pictures(), motion="wild")
    with pytest.raises(ValueError, match=r"max_objects must be 1\.\.254"):
        ImageClips(Pictures(), max_objects=0)


def test_crop_and_flip_in_one_matrix():
    image = rng().integers(0, 255, (40, 60, 3), dtype=np.uint8)
    matrix = crop_resize(10, 5, (20, 30), (20, 30))
    assert np.array_equal(warp_image(image, matrix, (20, 30)), image[5:25, 10:40])
    mirrored = crop_resize(10, 5, (20, 30), (20, 30), mirror=True)
    assert np.array_equal(warp_image(image, mirrored, (20, 30)), image[5:25, 10:40][:, ::-1])
    labels = image[..., 0]
    half = warp_labels(labels, crop_resize(0, 0, (40, 60), (80, 120)), (80, 120))
    assert np.array_equal(half, labels.repeat(2, 0).repeat(2, 1))


def test_shrinking_averages():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2] = 200
    small = warp_image(image, crop_resize(0, 0, (64, 64), (16, 16)), (16, 16))
    assert np.abs(small.astype(int) - 100).max() <= 1


def test_outside_is_filled():
    image = np.full((10, 10, 3), 7, np.uint8)
    out = warp_image(image, crop_resize(-10, 0, (10, 20), (10, 20)), (10, 20))
    assert out[0, 0].tolist() == [124, 116, 104]
    assert out[0, -1].tolist() == [7, 7, 7]


@pytest.mark.parametrize("bending", [Elastic(probability=1), ThinPlate(probability=1)])
def test_fields_are_smooth_and_small(bending):
    field = bending.draw(rng(2), 100, 140)
    assert field.shape == (100, 140, 2)
    assert 0.5 < np.abs(field).max() < 60
    assert np.abs(np.diff(field, axis=0)).max() < 3
    if isinstance(bending, Elastic):
        assert np.abs(field).max() <= 10


def test_colour_factors():
    image = rng().integers(60, 120, (8, 8, 3), dtype=np.uint8)
    grey = Jitter(grey=1).draw(rng())(image)
    assert np.ptp(grey.astype(int), axis=2).max() == 0
    assert np.array_equal(Jitter().draw(rng())(image), image)
    change = Jitter(brightness=0.5).draw(rng(1))
    assert np.abs(change(image) - image.astype(float) * change.brightness).max() <= 1
