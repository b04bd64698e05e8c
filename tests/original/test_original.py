import io
import itertools
import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from civos_siaf.benchmark import DavisDataset
from tests.original import (
    NoSuitablePythonError,
    OriginalError,
    OriginalSession,
    OriginalToolkit,
    compare,
    create,
    environment,
)
from tests.original.compare import (
    SETTINGS,
    Comparison,
    compare_lines,
    compare_metrics_and_robot,
    compare_session,
)
from tests.original.driver import receive, send

FAKE_TOOLKIT = """
    import sys
    import numpy as np

    def batched_jaccard(truth, prediction, average_over_objects, nb_objects):
        print("noise on standard output")
        return np.full((len(truth), nb_objects), 0.25)

    def batched_f_measure(truth, prediction, average_over_objects, nb_objects):
        if nb_objects == 9:
            raise KeyError("nine")
        if nb_objects == 8:
            import os
            os._exit(7)
        return np.full((len(truth), nb_objects), np.random.default_rng(5).permutation(4)[0])
"""


@pytest.fixture
def fake_toolkit(tmp_path, monkeypatch):
    """This Python, with a stand-in for the toolkit's metrics."""
    package = tmp_path / "davisinteractive"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "metrics.py").write_text(textwrap.dedent(FAKE_TOOLKIT))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with OriginalToolkit(sys.executable) as toolkit:
        yield toolkit


def test_messages_round_trip():
    arrays = [np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros((0, 2)), np.array([True, False])]
    stream = io.BytesIO()
    send(stream, {"call": "x", "text": "größer"}, arrays)
    send(stream, {"second": 1})
    stream.seek(0)
    content, received = receive(stream)
    assert content == {"call": "x", "text": "größer"}
    for a, b in zip(arrays, received, strict=True):
        assert a.dtype == b.dtype
        assert (a == b).all()
    assert receive(stream) == ({"second": 1}, [])
    with pytest.raises(EOFError):
        receive(stream)


def test_what_the_toolkit_prints_does_not_disturb(fake_toolkit):
    labels = np.zeros((3, 4, 5), np.uint8)
    j, f = fake_toolkit.metrics(labels, labels, 2)
    assert (j == 0.25).all()
    assert f.shape == (3, 2)


def test_the_permutation_is_the_historical_one(fake_toolkit):
    labels = np.zeros((1, 4, 5), np.uint8)
    expected = np.random.RandomState(0).permutation(4)[0]
    assert (fake_toolkit.metrics(labels, labels, 1)[1] == expected).all()


def test_exceptions_and_death_in_there_are_reported_here(fake_toolkit):
    labels = np.zeros((1, 4, 5), np.uint8)
    with pytest.raises(OriginalError, match="KeyError: 'nine'") as caught:
        fake_toolkit.metrics(labels, labels, 9)
    assert caught.value.kind == "KeyError"
    assert fake_toolkit.metrics(labels, labels, 1)
    with pytest.raises(OriginalError, match="ended with status 7"):
        fake_toolkit.metrics(labels, labels, 8)


def test_a_missing_interpreter_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Python at"):
        OriginalToolkit(tmp_path / "python")


def test_a_python_is_needed_that_can_run_it(monkeypatch):
    monkeypatch.setattr(environment.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    with pytest.raises(NoSuitablePythonError, match=r"needs Python 3\.10 or 3\.11; this is 3\.14"):
        environment.find_python()
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert environment.find_python() == "/usr/bin/python3.11"


def test_a_failed_step_shows_its_last_lines(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match="the disk is full"):
        create(tmp_path / "env", python=broken)


def test_a_finished_environment_is_used_again(tmp_path):
    interpreter = tmp_path / "bin" / "python"
    interpreter.parent.mkdir()
    interpreter.touch()
    wanted = environment.json.dumps([*environment.REQUIREMENTS, environment.TOOLKIT])
    (tmp_path / environment.MARKER).write_text(wanted)
    assert create(tmp_path, python="nothing that exists") == interpreter


def test_lines_that_differ_are_found_out():
    path, other = np.full((5, 2), 0.25), np.full((5, 2), 0.5)
    ours, theirs = [(1, path)], [{"path": other.tolist(), "object_id": 1, "start_time": 0, "end_time": 0}]
    sorted_too = list(compare_lines("x", ours, theirs, lambda: theirs))
    assert [result.ok for result in sorted_too] == [True, False]
    explained = [{**theirs[0], "path": path.tolist()}]
    assert [result.ok for result in compare_lines("x", ours, theirs, lambda: explained)] == [True, True]
    assert not next(compare_lines("x", [], theirs, list)).ok
    assert str(Comparison("x", 1.0, 0.0)).endswith("DIFFERENT")


@pytest.mark.parametrize("rounds", [1, None])
def test_the_report_of_the_original_is_deleted_with_the_session(tmp_path, monkeypatch, rounds):
    """Whether it is compared to its end (None) or left in the middle."""
    monkeypatch.setattr(compare.tempfile, "tempdir", str(tmp_path))

    class Report:
        def __init__(self, toolkit, *, report_save_dir, **options):
            self.path = Path(report_save_dir) / "result.csv"

        def next(self):
            self.path.write_text("a")
            return False

    monkeypatch.setattr(compare, "OriginalSession", Report)
    monkeypatch.setattr(compare, "_compare_ends", lambda *sessions: iter([Comparison("end", 0.0, 0.0)]))
    results = compare_session(None, DavisDataset(), SETTINGS[0])
    seen = list(itertools.islice(results, rounds))
    assert len(list(tmp_path.glob("davisinteractive-*/result.csv"))) == (rounds is not None)
    assert len(seen) == (rounds or 2)
    results.close()
    assert list(tmp_path.iterdir()) == []


live = pytest.mark.skipif(
    "DAVISINTERACTIVE_PYTHON" not in os.environ, reason="DAVISINTERACTIVE_PYTHON names no environment"
)


@live
def test_the_real_one_agrees():
    with OriginalToolkit(os.environ["DAVISINTERACTIVE_PYTHON"]) as toolkit:
        results = list(compare_metrics_and_robot(toolkit, range(4)))
        for setting in SETTINGS:
            results += compare_session(toolkit, DavisDataset(), setting)
    assert len(results) > 500
    assert [str(result) for result in results if not result.ok] == []


@live
def test_a_session_of_the_real_one(tmp_path):
    data = DavisDataset()
    with OriginalToolkit(os.environ["DAVISINTERACTIVE_PYTHON"]) as toolkit:
        session = OriginalSession(
            toolkit,
            davis_root=data.root,
            table={name: data.info(name) for name in data.sequences},
            max_nb_interactions=1,
            report_save_dir=str(tmp_path),
        )
        while session.next():
            sequence, _, new = session.get_scribbles()
            assert new
            session.submit_masks(data.annotations(sequence))
        assert session.summary()["curve"]["J_AND_F"] == [0, 1, 1]
        assert session.report_csv().count("\n") == 49
    assert len(list(Path(tmp_path).glob("result_*.csv"))) == 1
