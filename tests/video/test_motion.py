import cv2
import numpy as np

from civos_siaf.video.motion import GAP, SIDE, FrameMotion, motion_maps, neighbour_numbers
from civos_siaf.video.source import DamagedFrameError


def video(length=5, *, step=2, camera=0, size=(96, 160)):
    """A textured square moves to the right by `step` a frame, and the background behind it by `camera`."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size[0], size[1] + 80, 3), dtype=np.uint8)
    ground = cv2.GaussianBlur(noise, (0, 0), 2)
    ground = cv2.normalize(ground, None, 0, 255, cv2.NORM_MINMAX)
    square = cv2.normalize(cv2.GaussianBlur(noise[:40, -40:], (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    frames = []
    for t in range(length):
        frame = ground[:, 40 - camera * t : 40 - camera * t + size[1]].copy()
        frame[30:70, 50 + step * t : 90 + step * t] = square
        frames.append(frame)
    return np.stack(frames)


def test_an_object_moves_beyond_the_camera():
    frames = video(step=2, camera=3)
    maps = motion_maps(frames[2], [frames[0], frames[4]])
    assert maps.shape == (8, 96, 160)
    flow, residual = maps[4:6], maps[6:8]  # to the frame two later
    inside = np.zeros((96, 160), bool)
    inside[36:64, 62:86] = True
    far = np.zeros_like(inside)
    far[:20, 20:-20] = True
    assert np.allclose(np.median(flow[0][inside]), 4, atol=0.5)
    assert np.allclose(np.median(flow[0][far]), 6, atol=0.5)
    assert np.allclose(np.median(residual[0][inside]), -2, atol=0.6)
    assert np.abs(residual[:, far]).mean() < 0.3
    assert np.allclose(np.median(maps[0][far]), -6, atol=0.5)


def test_the_same_frames_give_the_same_maps():
    frames = video()
    first = motion_maps(frames[2], frames[::4])
    cv2.setRNGSeed(5)
    assert np.array_equal(motion_maps(frames[2], frames[::4]), first)


def test_maps_of_large_frames_are_small_and_one_neighbour_counts_twice():
    frame = np.zeros((600, 1000, 3), np.uint8)
    maps = motion_maps(frame, [frame])
    assert maps.shape == (8, round(600 * SIDE / 1000), SIDE)
    frames = video()
    maps = motion_maps(frames[0], [frames[2]])
    assert np.array_equal(maps[:4], maps[4:])
    assert not motion_maps(frames[0], []).any()


def test_neighbours_at_the_ends():
    assert neighbour_numbers(5, 20) == [5 - GAP, 5 + GAP]
    assert neighbour_numbers(0, 20) == [GAP]
    assert neighbour_numbers(19, 20) == [19 - GAP]
    assert neighbour_numbers(0, 2) == [1]
    assert neighbour_numbers(0, 1) == []


def test_tiny_frames_have_maps():
    for size in ((1, 1), (5, 40), (16, 16), (40, 17)):
        frame = np.full((*size, 3), 7, np.uint8)
        maps = motion_maps(frame, [frame])
        assert maps.shape[0] == 8
        assert np.abs(maps).max() < 0.01


def test_the_last_maps_are_kept():
    read = []
    frames = video(9)

    class Counting:
        def __len__(self):
            return len(frames)

        def __getitem__(self, index):
            read.append(index)
            return frames[index]

    counting = Counting()
    motion = FrameMotion(counting, kept=2)
    first = motion(4)
    assert sorted(read) == [2, 4, 6]
    assert motion(4) is first
    motion(1), motion(2)
    read.clear()
    assert np.array_equal(motion(4), first)
    assert read


def test_a_damaged_neighbour_is_left_out():
    frames = video(5)

    class Damaged:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            if index == 4:
                raise DamagedFrameError("frame 4 cannot be decoded")
            return frames[index]

    assert np.array_equal(FrameMotion(Damaged())(2), motion_maps(frames[2], [frames[0]]))
