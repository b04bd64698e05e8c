import numpy as np
import pytest

from civos_siaf import Box, Click, MaskPrompt, Prompts, Scribble

SIZES = {"num_frames": 5, "height": 10, "width": 20, "num_objects": 2}


def test_prompts_are_grouped_by_frame_object_and_kind():
    click, stroke = Click(3, 1, 4, 5), Scribble(1, 0, [[0, 0], [3, 2]])
    box, mask = Box(3, 2, 0, 0, 4, 4), MaskPrompt(1, 2, np.ones((10, 20)))
    prompts = Prompts((click, stroke)) + Prompts((box, mask))
    assert prompts.frames == (1, 3)
    assert prompts.object_ids == (0, 1, 2)
    assert prompts.on(3).items == (click, box)
    assert prompts.of(2).items == (box, mask)
    assert (prompts.clicks, prompts.scribbles) == ((click,), (stroke,))
    assert (prompts.boxes, prompts.masks) == ((box,), (mask,))
    prompts.check(**SIZES)


def test_equal_prompts_are_equal_and_hash_alike():
    a, b = Scribble(0, 1, [[1, 2]]), Scribble(0, 1, [(1.0, 2.0)])
    assert a == b
    assert len({a, b}) == 1
    assert a != Scribble(0, 1, [[1, 3]])
    assert MaskPrompt(0, 1, np.eye(3)) == MaskPrompt(0, 1, np.eye(3, dtype=bool))


def test_points_cannot_be_changed_from_outside():
    points = np.zeros((2, 2))
    stroke = Scribble(0, 1, points)
    points[:] = 7
    assert (stroke.points == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        stroke.points[0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Click(-1, 1, 0, 0), "frame must be 0 or more, got -1"),
        (lambda: Click(0, 0, 0, 0), "object_id must be 1 or more, got 0"),
        (lambda: Click(0, 1, float("nan"), 0), "x must be a finite"),
        (lambda: Scribble(0, 1, np.empty((0, 2))), r"shape \(N, 2\)"),
        (lambda: Scribble(0, 1, [[0, 0, 0]]), r"got \(1, 3\)"),
        (lambda: Scribble(0, 1, [[0, np.inf]]), "finite"),
        (lambda: Box(0, 1, 5, 0, 4, 4), "x0 <= x1"),
        (lambda: MaskPrompt(0, 1, np.ones(3)), r"shape \(H, W\)"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Click(5, 1, 0, 0), r"frames 0\.\.4"),
        (Click(0, 3, 0, 0), r"objects 1\.\.2"),
        (Click(0, 1, 20, 0), "outside the frame of 20x10"),
        (Scribble(0, 1, [[0, 0], [0, -0.6]]), "outside"),
        (Click(0, 1, 19.6, 0), "outside"),
        (Box(0, 1, 0, 0, 4, 9.6), "outside"),
        (MaskPrompt(0, 1, np.ones((20, 10))), r"\(20, 10\)"),
    ],
)
def test_prompts_that_do_not_fit_the_video_are_refused(prompt, message):
    with pytest.raises(ValueError, match=message):
        Prompts((prompt,)).check(**SIZES)


@pytest.mark.parametrize("x", [-0.5, 19.4, 19.5])
def test_the_outermost_pixels_are_whole(x):
    Prompts((Click(0, 1, x, 9.4), Scribble(0, 1, [[x, 0]]))).check(**SIZES)
