import numpy as np
import pytest

from civos_siaf.benchmark import click_strategy
from civos_siaf.benchmark.clicks import F1, F3, AnnotatedFrame, F3Regions
from civos_siaf.benchmark.clicks.frame import central_pixel, components, through_fractions


def frame(truth, prediction=None, *, lines=(), first=False, num_objects=None):
    prediction = np.zeros_like(truth) if prediction is None else prediction
    return AnnotatedFrame(
        index=4, lines=lines, truth=truth, prediction=prediction, first_round=first,
        num_objects=num_objects or int(max(truth.max(), prediction.max())),
    )  # fmt: skip


def places(clicks):
    return [(c.object_id, c.y, c.x, c.positive) for c in clicks]


@pytest.fixture
def squares():
    truth = np.zeros((60, 80), np.uint8)
    truth[10:31, 10:31], truth[10:25, 50:65], truth[45:50, 5:30] = 1, 1, 2
    return truth


def test_one_click_per_object_in_round_1_whatever_the_strategy(squares):
    line = {"object_id": 1, "path": [[0.2, 0.3], [0.3, 0.3]]}
    other = {"object_id": 1, "path": [[0.7, 0.3], [0.8, 0.3]]}
    background = {"object_id": 0, "path": [[0.5, 0.9], [0.6, 0.9]]}
    first = frame(squares, lines=[line, other, background], first=True)
    squares[10:31, 50:71] = 1  # a second region as deep as the first
    for name in ("f1", "f2", "f3", "f3_regions"):
        as_published = click_strategy(name)(first)
        clicks = click_strategy(name, first_round_clicks=1)(first)
        assert all(click.positive for click in clicks), name
        assert len(clicks) == len({click.object_id for click in clicks}) > 0, name
        assert (len(as_published) > len(clicks)) == (name != "f3_regions"), name


def test_at_most_so_many_clicks_of_an_object(squares):
    prediction = np.zeros_like(squares)
    prediction[35:55, 40:60], prediction[35:55, 62:79] = 1, 1
    wrong = frame(squares, prediction)
    found = {n: click_strategy("f3", max_clicks=n, count="object")(wrong) for n in (1, 2, 3)}
    for n, clicks in found.items():
        assert sum(click.object_id == 1 for click in clicks) <= n
    assert {click.positive for click in found[1] if click.object_id == 1} == {True}
    assert {click.positive for click in found[2] if click.object_id == 1} == {True, False}
    by_sign = click_strategy("f3", max_clicks=1)(wrong)
    assert sum(click.object_id == 1 for click in by_sign) == 2
    with pytest.raises(ValueError, match="count must be sign or object, got 'all'"):
        click_strategy("f3", count="all")


def test_equal_components_come_in_reverse_order_of_appearance():
    mask = np.zeros((9, 9), bool)
    mask[0, 0], mask[4, 4:6], mask[8, 8] = True, True, True
    assert [part.tolist() for part in components(mask)] == [[[4, 4], [4, 5]], [[8, 8]], [[0, 0]]]
    assert components(np.zeros((3, 3), bool)) == []
    assert central_pixel(np.array([[0, 0], [0, 3], [0, 4]])) == (0, 3)


def test_fractions_lose_known_pixels():
    rows = [y for y in range(480) if through_fractions(y, 0, height=480, width=854, truncate=True)[0] != y]
    assert rows == [123, 245, 246, 247]
    columns = [x for x in range(854) if through_fractions(0, x, height=480, width=854, truncate=True)[1] != x]
    assert len(columns) == 34
    assert columns[:8] == [15, 30, 59, 60, 118, 119, 120, 121]
    for x in range(854):
        assert through_fractions(0, x, height=480, width=854, truncate=False) == (0, x)


def test_f3_clicks_only_the_deepest_region_and_f3_regions_each_one(squares):
    assert places(F3(truncate_pixels=False)(frame(squares))) == [(1, 20, 20, True), (2, 47, 17, True)]
    clicks = F3Regions(max_clicks=2)(frame(squares))
    assert places(clicks) == [(1, 20, 20, True), (1, 17, 57, True), (2, 47, 17, True)]
    assert places(F3Regions(max_clicks=1)(frame(squares))) == [(1, 20, 20, True), (2, 47, 17, True)]


def test_f3_regions_shares_its_places_between_both_signs(squares):
    prediction = squares.copy()
    prediction[squares == 2] = 0
    prediction[squares == 1] = 1
    prediction[40:60, 40:75] = 1
    clicks = F3Regions(max_clicks=1)(frame(squares, prediction))
    assert places(clicks) == [(2, 47, 17, True), (1, 49, 57, False)]


def test_small_regions_get_no_click_after_the_first_round(squares):
    small = np.where(squares == 2, 2, 0).astype(np.uint8)
    assert places(F3(minimal_area=125)(frame(small))) != []
    assert F3(minimal_area=126)(frame(small)) == []
    assert F3Regions(minimal_area=126)(frame(small)) == []
    assert len(F3(minimal_area=126, max_clicks=1)(frame(small, first=True))) == 1
    assert len(F3Regions(minimal_area=126)(frame(small, first=True))) == 1


def test_one_first_click_per_object_with_f3_regions(squares):
    assert places(F3Regions(max_clicks=5)(frame(squares, first=True))) == [
        (1, 20, 20, True),
        (2, 47, 17, True),
    ]


def test_absent_objects(squares):
    gap = np.where(squares == 2, 3, squares)
    assert {c.object_id for c in F3()(frame(gap, first=True))} == {1, 3}
    published = places(F3(published_quirks=True, max_clicks=1)(frame(gap, first=True)))
    assert [p[1:] for p in published if p[0] == 2] == [p[1:] for p in published if p[0] == 1]
    only_two = np.where(squares == 2, 2, 0).astype(np.uint8)
    assert {c.object_id for c in F3()(frame(only_two, first=True))} == {2}
    with pytest.raises(ValueError, match="object 1 is not in it"):
        F3(published_quirks=True)(frame(only_two, first=True))


def test_objects_above_those_in_the_frame_are_left_alone_unless_asked(squares):
    truth = np.where(squares == 1, 1, 0).astype(np.uint8)
    assert F3()(frame(truth, squares)) == []
    assert places(F3(absent_objects=True, max_clicks=1)(frame(truth, squares)))[0][0] == 2


def test_f1_stays_inside_the_frame():
    lines = [{"path": [[1.0, 1.0]], "object_id": 1, "start_time": 0, "end_time": 0}]
    shot = frame(np.zeros((10, 20), np.uint8), lines=lines, num_objects=1)
    assert places(F1()(shot)) == [(1, 9, 19, True)]
    assert places(F1(published_quirks=True)(shot)) == [(1, 10, 20, True)]


def test_void_pixels_get_no_click(squares):
    truth = np.where(squares == 2, 255, squares)
    assert {c.object_id for c in F3()(frame(truth, first=True, num_objects=1))} == {1}


@pytest.mark.parametrize("name", ["f1", "f2", "f3", "f3_regions"])
def test_strategies_by_name(name, squares):
    strategy = click_strategy(name, max_clicks=2)
    assert type(strategy).__name__.lower() == name.replace("_", "")
    assert strategy(frame(squares, squares)) == []
    assert all(click.frame == 4 for click in strategy(frame(squares)))


def test_unknown_names_are_refused():
    assert click_strategy("none") is None
    with pytest.raises(ValueError, match="none, f1, f2, f3 or f3_regions, got 'f4'"):
        click_strategy("f4")
