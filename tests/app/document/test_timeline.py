import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.app.document.actions import AddObject, Review
from civos_siaf.app.document.content import Content, step
from civos_siaf.app.document.timeline import Timeline, TimelineEntry


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["add", "undo", "redo"]), st.integers(1, 50)), max_size=20))
def test_the_content_is_always_that_of_all_actions_before_the_cursor(moves):
    timeline, past, future, number = Timeline(), [], [], 0
    for move, count in moves:
        for _ in range(count):
            number += 1
            if move == "add":
                entry = TimelineEntry(
                    number, AddObject(f"{number}") if number % 3 else Review(number, "doubtful")
                )
                assert timeline.add(entry) == bool(future)
                past, future = [*past, entry], []
            elif move == "undo" and past:
                timeline.undo()
                future.append(past.pop())
            elif move == "redo" and future:
                timeline.redo()
                past.append(future.pop())
        content = Content()
        for entry in past:
            content = step(content, entry.number, entry.action, entry.answer)
        assert timeline.content == content
        assert timeline.undo_type == (past[-1].action.type if past else None)
        assert timeline.redo_type == (future[-1].action.type if future else None)


def test_nothing_to_undo():
    with pytest.raises(IndexError):
        Timeline().undo()
    with pytest.raises(IndexError):
        Timeline().redo()
