import numpy as np

from civos_siaf.interaction.better_answer import better_answer, differ, is_lost, sureness
from civos_siaf.prompts import Click


def disk(x, y, *, inside=0.9, outside=0.05, radius=8):
    rows, columns = np.mgrid[:40, :60]
    return np.where(np.hypot(rows - y, columns - x) < radius, inside, outside).astype(np.float32)


def test_sure_answers_are_surer():
    assert sureness(disk(20, 20, inside=0.99, outside=0.0)) > 0.95
    assert sureness(disk(20, 20)) > sureness(disk(20, 20, inside=0.6))
    assert sureness(np.zeros((4, 4), np.float32)) == 0


def test_clicks_count_first_then_sureness():
    clicks = [Click(0, 1, x=20, y=20), Click(0, 1, x=45, y=20, positive=False)]
    agreeing, against = disk(20, 20, inside=0.6), disk(45, 20, inside=0.99)
    assert better_answer(agreeing, against, clicks) is agreeing
    assert better_answer(against, agreeing, clicks) is agreeing
    surer = disk(20, 20, inside=0.99)
    assert better_answer(agreeing, surer, clicks) is surer
    assert better_answer(surer, agreeing, clicks) is surer
    # A mask that is sure stays, though another is surer still: small corrections do not begin anew.
    sure, surer = disk(20, 20, inside=0.85, outside=0), disk(20, 20, inside=0.99, outside=0)
    assert sureness(sure) < sureness(surer) - 0.05
    assert better_answer(sure, surer, clicks) is sure
    alike = disk(20, 20, inside=0.601)
    assert better_answer(agreeing, alike, clicks) is agreeing


def test_a_sure_part_does_not_take_the_place_of_the_whole():
    clicks = [Click(0, 1, x=20, y=20)]
    whole, part = disk(20, 20, inside=0.7, radius=15), disk(20, 20, inside=0.99, outside=0, radius=3)
    assert sureness(part) > sureness(whole)
    assert better_answer(whole, part, clicks) is whole
    most = disk(20, 20, inside=0.99, outside=0, radius=10)
    assert better_answer(whole, most, clicks) is most


def test_small_differences_do_not_matter():
    assert not differ(disk(20, 20), disk(20, 20, inside=0.6))
    assert not differ(disk(20, 20), disk(20, 21))
    assert differ(disk(20, 20), disk(28, 20))
    assert differ(disk(20, 20), np.zeros((40, 60), np.float32))
    assert not differ(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32))


def test_an_answer_that_lost_a_sure_object_is_not_believed():
    previous, doubtful = np.zeros((40, 60), np.float32), np.zeros((40, 60), np.float32)
    previous[10:30, 10:40] = 0.97
    doubtful[30:38, 12:20] = 0.4
    doubtful[30:34, 12:16] = 0.6
    assert is_lost(doubtful, previous)
    assert not is_lost(np.where(doubtful > 0, 0.97, 0).astype(np.float32), previous)  # it is sure
    assert not is_lost(doubtful, 0.62 * previous)  # the previous mask was not
    assert not is_lost(0.5 * previous + 0.03, previous * 0)  # there was none
    near = np.zeros((40, 60), np.float32)
    near[10:30, 10:30] = 0.6
    assert not is_lost(near, previous)  # it is of the same object
