"""debug=true shows tracebacks, log=LEVEL messages; without them an error is one line."""

import logging

import pytest

from civos_siaf.cli.debugging import take_debug_options
from civos_siaf.cli.errors import clear_errors
from civos_siaf.runtime.logging import show_messages


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    for name in ("CIVOS_SIAF_TRACEBACK", "CIVOS_SIAF_LOG"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("sys.argv", ["script"])
    logger = logging.getLogger("civos_siaf")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate = list(before[0]), before[1]
    logger.setLevel(before[2])


def test_an_error_is_one_line_or_itself(monkeypatch):
    with pytest.raises(SystemExit, match="error: no such thing"), clear_errors():
        raise ValueError("no such thing")
    with pytest.raises(RuntimeError, match="a bug"), clear_errors():
        raise RuntimeError("a bug")
    monkeypatch.setenv("CIVOS_SIAF_TRACEBACK", "1")
    with pytest.raises(ValueError, match="no such thing"), clear_errors():
        raise ValueError("no such thing")
    monkeypatch.setenv("CIVOS_SIAF_TRACEBACK", "0")
    monkeypatch.setattr("sys.argv", ["script", "video=a", "debug=true"])
    with pytest.raises(ValueError, match="no such thing"), clear_errors():
        raise ValueError("no such thing")


def test_the_options_are_taken_out_of_the_arguments():
    arguments = ["train.py", "debug=on", "debug=true", "log=info", "trainer.every.log=3"]
    take_debug_options(arguments)
    assert arguments == ["train.py", "debug=on", "trainer.every.log=3"]
    assert logging.getLogger("civos_siaf").level == logging.INFO


def test_messages_are_shown_once_from_their_level_on(capsys):
    show_messages("info")
    show_messages("info")
    logging.getLogger("civos_siaf.weights.x").info("a file")
    logging.getLogger("civos_siaf.weights.x").debug("a detail")
    assert capsys.readouterr().err.count("INFO civos_siaf.weights.x: a file") == 1


def test_a_wrong_level_is_named():
    with pytest.raises(ValueError, match=r"log=loud: the level is one of debug, info"):
        show_messages("loud")
