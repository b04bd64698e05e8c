from tests.conftest import MARKS, NOT_MARKED, Path

ROOT = Path(__file__).parent


def test_every_marked_place_is_there():
    places = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("test_*.py")}
    for beginning in (*NOT_MARKED, *(place for group in MARKS.values() for place in group)):
        assert any(place.startswith(beginning) for place in places), beginning
