"""The facade when something breaks: disk, method, journal, process."""

import errno
import logging
import shutil

import pytest

from civos_siaf.app.document.actions import ActionError, AddClick, AddObject, Propagate, Undo
from civos_siaf.app.storage.journal import Journal
from civos_siaf.app.storage.project import ProjectError
from tests.app.annotating import Watched, everything, same, two_rounds
from tests.app.fakes import Telltale


class FullDisk:
    """Every n-th write fails."""

    def __init__(self, real, fails):
        self.real, self.fails, self.count = real, fails, 0

    def __call__(self, *args, **more):
        self.count += 1
        if self.count == self.fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.real(*args, **more)


@pytest.mark.parametrize("fails", range(1, 14))
@pytest.mark.parametrize("what", ["os.fsync", "os.write", "pathlib.Path.write_bytes"])
def test_a_full_disk_loses_nothing(start, monkeypatch, fails, what):
    annotator = start(Telltale(streams=True))
    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    module, name = what.rsplit(".", 1)
    owner = __import__("os") if module == "os" else __import__("pathlib").Path
    full = FullDisk(getattr(owner, name), fails)
    for action in (AddClick(3, 1, 20, 4), Propagate()):
        before, shown = annotator.state, everything(annotator)
        with monkeypatch.context() as patch:
            if name == "write_bytes":
                patch.setattr(owner, name, lambda self, data: full(self, data))
            else:
                patch.setattr(owner, name, full)
            failed = ""
            try:
                annotator.apply(action)
            except ActionError as error:
                failed = str(error)
            if failed:
                assert "disk is full" in failed
                assert annotator.state is before
                assert same(everything(annotator), shown)
                annotator.apply(action)
        assert annotator.state.undo == action.type
    state, shown = annotator.state, everything(annotator)
    annotator.close()
    annotator = start()
    assert annotator.state == state
    assert same(everything(annotator), shown)


def test_a_failing_method_changes_nothing_and_is_opened_anew(start):
    annotator = start(method := Telltale())
    annotator.apply(AddObject())
    before = annotator.apply(AddClick(0, 1, 10, 4))

    def broken(self, progress, **more):
        raise RuntimeError("out of memory")

    annotator._model._session.propagate = broken.__get__(annotator._model._session)
    with pytest.raises(ActionError, match="Telltale failed: RuntimeError: out of memory"):
        annotator.apply(Propagate())
    assert annotator.state is before
    method.calls.clear()
    assert annotator.apply(Propagate()).round == 1
    assert method.calls == ["open", "interact 1", "propagate"]


@pytest.mark.parametrize("error", [TypeError("no JSON for that"), OSError(errno.ENOSPC, "disk full")])
def test_a_session_that_cannot_be_saved_is_told_and_changes_nothing(start, caplog, error):
    annotator = start(method := Telltale(saves=True))

    def broken(folder):
        (folder / "half").write_text("x")
        raise error

    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    annotator._model._session.save = broken
    with caplog.at_level(logging.WARNING, "civos_siaf"):
        state = annotator.apply(Propagate(), key="k")
    assert state is annotator.state
    assert (state.round, state.undo, state.ready) == (1, "propagate", True)
    assert annotator.apply(Propagate(), key="k") is state  # the same once more: it was done
    (told,) = caplog.messages
    assert "Telltale" in told
    assert state.content.base in told
    assert str(error) in told
    assert not list((annotator.project.folder / "sessions").iterdir())
    shown = everything(annotator)
    annotator.close()
    method.calls.clear()
    annotator = start(method)
    assert same(everything(annotator), shown)
    assert annotator.apply(AddClick(3, 1, 20, 4)).round == 1
    assert method.calls == ["open", "interact 1", "propagate", "interact 1"]


def test_a_session_whose_saving_is_interrupted_leaves_the_state_right(start):
    annotator = start(Telltale(saves=True))

    def interrupted(folder):
        raise KeyboardInterrupt

    annotator.apply(AddObject())
    annotator.apply(AddClick(0, 1, 10, 4))
    annotator._model._session.save = interrupted
    with pytest.raises(KeyboardInterrupt):
        annotator.apply(Propagate(), key="k")
    assert (annotator.state.round, annotator.state.undo) == (1, "propagate")
    assert annotator.apply(Propagate(), key="k").round == 1


@pytest.mark.parametrize("text", ["", "[0.1, ", '{"0": 1}', '["a"]', "7"])
def test_scores_that_are_damaged_are_as_if_not_known(start, text):
    annotator = start()
    two_rounds(annotator)
    first = annotator.state.previous
    for name in ("scores.json", "confidences.json"):
        (annotator.project.folder / "masks" / first / name).write_text(text)
    annotator.close()
    annotator = start()
    annotator.apply(Undo())
    state = annotator.apply(Undo())
    assert (state.content.base, state.scores) == (first, None)
    annotator.apply(AddClick(3, 1, 20, 5))
    assert annotator.apply(Propagate()).scores is not None


def test_a_torn_line_was_never_answered(start):
    annotator = start()
    two_rounds(annotator)
    state, path = annotator.state, annotator.project.folder / "log.jsonl"
    annotator.close()
    with path.open("ab") as file:
        file.write(b'{"seq":13,"time":"x","type":"cle')
    annotator = start()
    assert annotator.state == state
    annotator.apply(AddObject())
    assert len(Journal(path).lines) == 9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"seq":2,"type":"redo"}', "nothing to do again"),
        ('{"seq":2,"type":"click","frame":7,"object":1,"x":1,"y":1}', "no frame 7"),
        ('{"seq":2,"type":"delete_object","object":1}', "no object 1"),
    ],
)
def test_a_journal_that_makes_no_sense_is_refused(start, line, words):
    annotator = start()
    path = annotator.project.folder / "log.jsonl"
    annotator.close()
    path.write_text('{"seq":1,"type":"review","frame":1,"status":null}\n' + line + "\n")
    with pytest.raises(ProjectError, match=f"line 2: .*{words}"):
        start()


def test_an_interrupted_propagation_can_be_pressed_again(start):
    annotator = start(Telltale(streams=True))
    two_rounds(annotator)
    annotator.apply(AddClick(1, 1, 5, 5))
    annotator.apply(AddClick(2, 1, 5, 5))
    state, shown = annotator.state, everything(annotator)
    copy = annotator.project.folder.parent / "killed"

    def snapshot(what, done):
        if (what, done) == ("propagating", 3):
            shutil.copytree(annotator.project.folder, copy)

    annotator.apply(Propagate(), Watched(snapshot), key="k")
    finished = everything(annotator)
    assert b'"propagate"' in (copy / "log.jsonl").read_bytes().splitlines()[-1]
    assert list((copy / "masks").glob(".unfinished-*"))
    annotator.close()
    annotator = start(Telltale(streams=True), name="killed")
    assert annotator.state.content == state.content
    assert same(everything(annotator), shown)
    assert not list((copy / "masks").glob(".unfinished-*"))
    annotator.apply(Propagate(), key="k")
    assert same(everything(annotator), finished)


def test_a_batch_deletes_nothing_that_is_needed_if_it_is_lost(start):
    annotator = start(Telltale())
    two_rounds(annotator)
    base = annotator.state.content.base
    folder = annotator.project.folder / "masks" / base
    with annotator.batch():
        annotator.apply(Undo())
        annotator.apply(AddObject())  # from here on no redo leads back to that round
        assert folder.is_dir()
    assert not folder.exists()
