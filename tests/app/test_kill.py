"""SIGKILL at random moments of a session: nothing that was acknowledged is lost."""

from __future__ import annotations

import multiprocessing
import random
import time

from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.journal import Journal
from civos_siaf.app.storage.project import Project
from tests.app.fakes import Telltale, make_video
from tests.app.scripted import act, act_in_batches, last_told, seen

KILLS = 20


def test_twenty_kills_lose_nothing(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.app.scripted"])
    rng = random.Random(7)
    folder, told = tmp_path / "project", tmp_path / "told"
    Project.create(folder, make_video(tmp_path / "video")).close()
    acknowledged, interrupted = 0, 0
    for seed in range(KILLS):
        before = len(last_told(told))
        process = context.Process(target=act, args=(str(folder), str(told), seed))
        process.start()
        wanted = before + rng.randrange(1, 8)
        while process.is_alive() and len(last_told(told)) < wanted:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.04))
        process.kill()
        process.join()
        assert process.exitcode == -9
        lines = last_told(told)
        acknowledged += len(lines) - before
        interrupted += check_reopened(folder, lines)
    assert acknowledged > 2 * KILLS
    assert interrupted  # some kills hit an action between its line and its answer


def test_kills_in_batches_lose_no_batch(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.app.scripted"])
    rng = random.Random(3)
    folder, told = tmp_path / "project", tmp_path / "told"
    Project.create(folder, make_video(tmp_path / "video")).close()
    same = 0
    for seed in range(8):
        before = len(last_told(told))
        process = context.Process(target=act_in_batches, args=(str(folder), str(told), seed))
        process.start()
        while process.is_alive() and len(last_told(told)) < before + 2:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.join()
        line = last_told(told)[-1]
        with Annotator(Project.open(folder), Telltale()) as annotator:
            now, state = seen(annotator), annotator.state
            assert now["revision"] >= line["revision"]
            same += now["revision"] == line["revision"]
            if now["revision"] == line["revision"]:
                assert now == {name: line[name] for name in now}
            overrides = state.content.overrides
            assert all(annotator.labels(frame, version) is not None for frame, version in overrides.items())
    assert same  # some kills hit a batch that is not written


def check_reopened(folder, lines):
    """The project is as the last line told, or one unacknowledged action further; twice the same."""
    with Annotator(Project.open(folder), Telltale()) as annotator:
        now, state = seen(annotator), annotator.state
        keys = {line.key for line in Journal(folder / "log.jsonl").lines}
        assert {line["key"] for line in lines} <= keys
        if now["revision"] == lines[-1]["revision"]:
            assert now == {name: lines[-1][name] for name in now}
        assert now["revision"] - lines[-1]["revision"] in (0, 1, 2)
        assert annotator._model._session is None  # nothing was asked
        overrides = state.content.overrides
        assert all(annotator.labels(frame, version) is not None for frame, version in overrides.items())
        if state.content.base:
            assert all(annotator.labels(frame, state.content.base) is not None for frame in range(5))
    with Annotator(Project.open(folder), Telltale()) as annotator:
        assert annotator.state == state
        assert seen(annotator) == now
    return now["revision"] != lines[-1]["revision"]
