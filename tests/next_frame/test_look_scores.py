import numpy as np

from civos_siaf.next_frame.look_scores import jump_scores, look_scores


def moving(num_frames=20, step=2):
    labels = np.zeros((num_frames, 80, 160), np.uint8)
    for t in range(num_frames):
        labels[t, 20:60, 10 + step * t : 60 + step * t] = 1
    return labels


def test_steady_motion_is_nothing_to_look_at():
    assert jump_scores(moving()).max() < 0.1


def test_where_an_object_jumps_or_goes_the_score_is_highest():
    labels = moving()
    labels[12:] = np.roll(labels[12:], 60, axis=2)
    assert jump_scores(labels).argmax() == 12
    labels = moving()
    labels[7:9] = 0
    assert set(np.argsort(jump_scores(labels))[-2:]) == {7, 9}


def test_where_the_method_tells_only_that_counts():
    labels = moving()
    labels[12:] = np.roll(labels[12:], 60, axis=2)
    sure = [0.9] * 20
    sure[15] = 0.2
    scores = look_scores(labels, sure)
    assert np.allclose(scores, 1 - np.array(sure))
    assert np.allclose(look_scores(iter(()), sure), scores)  # no frame was looked at


def test_frames_of_which_it_tells_nothing_are_seen_to_jump():
    labels = moving()
    labels[12:] = np.roll(labels[12:], 60, axis=2)
    jumps = jump_scores(labels)
    assert np.array_equal(look_scores(labels), jumps)
    assert np.array_equal(look_scores(labels, [None] * 20), jumps)
    scores = look_scores(labels, [0.25, 2.0, -1.0] + [None] * 17)
    assert scores[:3].tolist() == [0.75, 0, 1]
    assert np.array_equal(scores[3:], jumps[3:])


def test_one_frame_and_no_object():
    assert jump_scores(np.zeros((1, 8, 8), np.uint8)).tolist() == [0.0]
    assert jump_scores(np.zeros((4, 8, 8), np.uint8)).tolist() == [0.0] * 4
