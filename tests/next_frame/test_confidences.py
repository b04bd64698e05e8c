from civos_siaf.next_frame.confidences import Confidences


def test_what_is_left_alone_keeps_what_was_given_before():
    found = Confidences(4, [1.0, 0.2, 0.7, None])
    found.give(0, 0.51234)
    found.give(3, float("nan"))
    assert found.finish(lambda frame: frame != 2) == [0.5123, 0.2, None, None]
    assert Confidences(2).finish(lambda frame: True) == [None, None]


def test_confidences_are_shares_and_the_last_one_counts():
    found = Confidences(3)
    for frame, value in ((0, 1.5), (1, -1), (2, 0.5), (2, None)):
        found.give(frame, value)
    assert found.finish(lambda frame: True) == [1.0, 0.0, None]
