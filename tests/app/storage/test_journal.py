import errno
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civos_siaf.app.document.actions import AddClick, AddObject, Commit, Undo
from civos_siaf.app.document.content import Answer
from civos_siaf.app.storage.journal import Journal


def filled(path):
    journal = Journal(path)
    journal.append(AddObject("ö"), "key")
    number = journal.append(AddClick(0, 1, 2, 3), None)
    journal.append_done(number, Answer("a2", (0,)))
    journal.append(Commit(), None)
    journal.append(Undo(), None)
    journal.close()
    return journal


def test_lines_come_back_with_their_answers(tmp_path):
    filled(tmp_path / "log.jsonl")
    journal = Journal(tmp_path / "log.jsonl")
    assert [(line.seq, line.action, line.key, line.answer) for line in journal.lines] == [
        (1, AddObject("ö"), "key", None),
        (2, AddClick(0, 1, 2.0, 3.0), None, Answer("a2", (0,))),
        (4, Commit(), None, None),
        (5, Undo(), None, None),
    ]
    assert journal.append(Commit(), None) == 6
    record = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert record["seq"] == 6
    assert record["type"] == "commit"
    assert "key" not in record
    journal.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.floats(0, 1))
def test_whatever_is_torn_off_the_lines_before_remain(tmp_path_factory, monkeypatch, part):
    monkeypatch.setattr(os, "fsync", lambda file: None)
    path = tmp_path_factory.mktemp("journal") / "log.jsonl"
    filled(path)
    text = path.read_bytes()
    length = round(part * len(text))
    path.write_bytes(text[:length])
    journal = Journal(path)
    whole = text[:length].count(b"\n")
    assert journal.seq == whole
    assert path.read_bytes() == b"".join(text.splitlines(keepends=True)[:whole])
    assert journal.append(Commit(), None) == whole + 1
    journal.close()
    assert Journal(path).seq == whole + 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{]", "line 2 is not JSON"),
        (b"\xff\xfe", "line 2 is not JSON"),
        (b"[]", "line 2 is not action 2"),
        (b'{"seq":3,"type":"commit"}', "line 2 is not action 2"),
        (b'{"seq":2,"type":"boil"}', "line 2: type of an action must be"),
        (b'{"seq":2,"type":"clear"}', "line 2: clear: frame"),
        (b'{"seq":2,"type":"done","of":1,"version":"../x","frames":[]}', "line 2 does not say"),
        (b'{"seq":2,"type":"done","of":1,"version":"a1","frames":[-1]}', "line 2 does not say"),
    ],
)
def test_damage_is_named(tmp_path, line, words):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"seq":1,"type":"commit"}\n' + line + b"\n")
    with pytest.raises(ValueError, match=words) as caught:
        Journal(path)
    assert str(path) in str(caught.value)


def test_what_could_not_be_written_is_not_there(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    filled(path)
    text = path.read_bytes()
    journal = Journal(path)
    real = os.write

    def half(file, data):
        if len(data) > 10:
            return real(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: half(file, data[:15]))
        with pytest.raises(OSError, match="No space"):
            journal.append(Commit(), None)
    assert path.read_bytes() == text
    assert journal.append(Commit(), None) == 6
    journal.close()


def test_lines_of_a_batch_are_written_together_after_what_they_speak_of(tmp_path, monkeypatch):
    path, synced, told = tmp_path / "log.jsonl", [], []
    journal = Journal(path)
    journal.append(AddObject(), None)
    monkeypatch.setattr(os, "fsync", synced.append)
    before = path.read_bytes()
    with journal.batch(before=lambda: told.append(path.read_bytes())):
        journal.append(AddClick(0, 1, 2, 3), None)
        mark = journal.mark()
        journal.append(AddClick(0, 1, 4, 5), None)
        journal.take_back(mark)
        assert journal.append(Undo(), None) == 3
        assert path.read_bytes() == before
    assert told == [before]
    assert len(synced) == 1
    journal.close()
    assert [line.action for line in Journal(path).lines] == [AddObject(), AddClick(0, 1, 2, 3), Undo()]


def test_a_batch_that_cannot_be_written_is_owed(tmp_path):
    journal = Journal(tmp_path / "log.jsonl")
    journal.append(AddObject(), None)
    before, full = journal.path.read_bytes(), [True]

    def sync_masks():
        if full[0]:
            raise OSError(errno.ENOSPC, "full")

    def fill():
        with journal.batch(before=sync_masks):
            journal.append(AddClick(0, 1, 2, 3), None)

    with pytest.raises(OSError, match="full"):
        fill()
    for attempt in (journal.mark, lambda: journal.append(Undo(), None)):
        with pytest.raises(OSError, match="full"):
            attempt()
        assert (journal.seq, journal.path.read_bytes()) == (2, before)
    full[0] = False
    mark = journal.mark()
    assert journal.append(Undo(), None) == 3
    journal.take_back(mark)
    assert journal.append(Commit(), None) == 3
    journal.close()
    assert [line.action for line in Journal(journal.path).lines] == [
        AddObject(),
        AddClick(0, 1, 2, 3),
        Commit(),
    ]
