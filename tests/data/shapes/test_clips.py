import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.data.shapes import ShapesClips, ShapesImages

SMALL = {"size": (64, 80), "video_frames": 12}


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_same_number_is_the_same_video_and_another_is_not():
    clips = ShapesClips(**SMALL)
    one, again, other = clips.render(5), ShapesClips(**SMALL).render(5), clips.render(6)
    assert (one.images == again.images).all()
    assert (one.labels == again.labels).all()
    assert (one.images != other.images).any()
    assert one.images.shape == (12, 64, 80, 3)


def test_another_process_draws_the_same():
    code = (
        "import zlib; from civos_siaf.data.shapes import ShapesClips;"
        "clip = ShapesClips(size=(64, 80), video_frames=12).render(3);"
        "print(zlib.crc32(clip.images.tobytes() + clip.labels.tobytes()))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout != b""


def test_a_clip_is_frames_of_the_whole_video_and_follows_its_generator():
    clips = ShapesClips(**SMALL)
    whole = [frame.tobytes() for frame in clips.render(2).images]
    clip, again = (clips.clip(2, rng(4), frames=3, gap=3) for _ in range(2))
    assert (clip.images == again.images).all()
    places = [whole.index(frame.tobytes()) for frame in clip.images]
    assert all(1 <= step <= 3 for step in np.diff(places))


@settings(max_examples=15)
@given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 999_999), st.integers(0, 2**32))
def test_every_clip_can_be_drawn(frames, gap, index, seed):
    clips = ShapesClips(size=(32, 32), video_frames=12, objects=(1, 2))
    clip = clips.clip(index, rng(seed), frames=frames, gap=gap)
    assert clip.images.shape == (frames, 32, 32, 3)
    assert clip.labels.max() <= 2


def test_as_many_objects_as_asked_for():
    labels = ShapesClips(size=(96, 96), objects=(12, 12), video_frames=20).render(1).labels
    assert set(np.unique(labels)) <= set(range(13))
    assert len(np.unique(labels)) >= 8


def test_labels_follow_what_is_drawn():
    # Pixels of an object differ more from the background than from each other, on average.
    scene = ShapesClips(size=(96, 128), objects=(1, 1)).scene(4)
    image, labels = scene.draw(0)
    things, scene.things = scene.things, []
    empty, nothing = scene.draw(0)
    assert not nothing.any()
    changed = np.abs(image.astype(int) - empty).sum(axis=2) > 12
    labelled = labels > 0
    assert labelled.any()
    assert (changed & labelled).sum() > 0.8 * labelled.sum()
    if len(things) == 1:
        assert (changed & ~labelled).sum() < 0.2 * labelled.sum() + 30


def test_motion_is_small_between_neighbours_and_larger_far_away():
    clips = ShapesClips(size=(96, 96), video_frames=25)
    near, far = [], []
    for index in range(6):
        scene = clips.scene(index)
        labels = [scene.draw(t)[1] > 0 for t in (0, 1, 24)]
        near.append((labels[0] ^ labels[1]).mean())
        far.append((labels[0] ^ labels[2]).mean())
    assert 0 < np.mean(near) < 0.04
    assert np.mean(far) > 2 * np.mean(near)


def test_training_never_meets_the_benchmark():
    training, held_out = ShapesClips(**SMALL), ShapesClips(held_out=True, **SMALL)
    for index in range(4):
        assert (training.scene(index).draw(0)[0] != held_out.scene(index).draw(0)[0]).mean() > 0.5
    assert ShapesClips()._world != held_out._world


def test_images_have_one_mask_per_visible_object():
    images = ShapesImages(ShapesClips(objects=(3, 3), length=10, **SMALL))
    sample, again = images[4], images[4]
    assert (sample.image == again.image).all()
    assert len(images) == 10
    assert 1 <= len(sample.masks) <= 3
    assert sample.masks.any(axis=(1, 2)).all()
    assert sample.masks.sum(axis=0).max() == 1


def test_threads_do_not_change_a_pixel():
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = ShapesClips(**SMALL).render(9).images
        cv2.setNumThreads(4)
        assert (ShapesClips(**SMALL).render(9).images == one).all()
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objects": (3, 2)}, "within 1..12"),
        ({"objects": (0, 2)}, "within 1..12"),
        ({"objects": (1, 13)}, "within 1..12"),
        ({"size": (0, 64)}, "1 or more"),
        ({"length": 0}, "1 or more"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ShapesClips(**options)
