"""The page's files keep to its policy; the pure parts compute what they should."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import civos_siaf.app
from civos_siaf.app.server import label_codec
from tests.app.page.person import Person

PAGE = Path(civos_siaf.app.__file__).parent / "page"
MODULES = sorted(PAGE.glob("js/*.js"))


def test_the_document_has_nothing_inline() -> None:
    text = (PAGE / "index.html").read_text()
    assert not re.search(r"\s(style|on\w+)=", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style", text)


@pytest.mark.parametrize(
    "path", [*MODULES, *PAGE.glob("css/*.css"), PAGE / "index.html"], ids=lambda p: p.name
)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`)]*", path.read_text()))
    assert {address for address in addresses if "w3.org" not in address} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_data_never_become_markup(path: Path) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text())


def test_runs_are_decoded_and_painted(person: Person) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (9, 13)).astype(np.uint8)
    labels[2:8, 3:11] = 2
    words = np.frombuffer(label_codec.encode_runs(labels), "<u4").tolist()
    decoded, fill, outline = person.page.evaluate(
        """async (words) => {
            const part = await import(new URL('static/js/runs.js', document.baseURI).href);
            const runs = new Uint32Array(words);
            const labels = part.decodeRuns(runs, 9 * 13);
            const colours = part.palette([{ id: 2, colour: '#102030' }, { id: 3, colour: '#ffffff' }]);
            const fill = part.paintFill(runs, 9 * 13, colours);
            return [[...labels], [...fill], [...part.paintOutline(runs, labels, 13, 9, colours, 1)]];
        }""",
        words,
    )
    assert np.array_equal(np.reshape(decoded, (9, 13)), labels)
    assert set(np.reshape(fill, (9, 13))[labels == 2]) == {0xFF302010}
    assert not np.reshape(fill, (9, 13))[labels < 2].any()
    drawn = np.reshape(outline, (9, 13))
    assert drawn[2, 6] == 0xFF302010
    assert not drawn[3:7, 4:10].any()


def test_runs_that_do_not_fill_the_frame_are_refused(person: Person) -> None:
    message = person.page.evaluate(
        """async () => {
            const part = await import(new URL('static/js/runs.js', document.baseURI).href);
            try { part.decodeRuns(new Uint32Array([5]), 6); } catch (error) { return error.message; }
        }"""
    )
    assert "5 pixels" in message


def test_long_strokes_are_thinned_evenly(person: Person) -> None:
    xs = person.page.evaluate(
        """async () => {
            const part = await import(new URL('static/js/tools.js', document.baseURI).href);
            return part.thin(Array.from({ length: 25_001 }, (_, i) => [i, 0]), 10_000).map(([x]) => x);
        }"""
    )
    assert len(xs) == 10_000
    assert (xs[0], xs[-1]) == (0, 25_000)
    assert set(np.diff(xs)) == {2, 3}


def test_spans_are_searched_as_the_frames_they_stand_for(person: Person) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        frames = np.flatnonzero(rng.random(30) < 0.4).tolist()
        inside, nexts, befores, count, again, some = person.page.evaluate(
            """async (frames) => {
                const part = await import(new URL('static/js/spans.js', document.baseURI).href);
                const spans = part.spansOf(frames);
                const all = Array.from({ length: 30 }, (_, t) => t);
                return [
                    all.filter((t) => part.includes(spans, t)),
                    all.map((t) => part.neighbour(spans, t, 1)),
                    all.map((t) => part.neighbour(spans, t, -1)),
                    part.count(spans),
                    [...part.within(spans, 0, 30)],
                    [...part.within(spans, 4.5, 21, 3)],
                ];
            }""",
            frames,
        )
        assert inside == again == frames
        assert count == len(frames)
        assert nexts == [min((f for f in frames if f > t), default=t) for t in range(30)]
        assert befores == [max((f for f in frames if f < t), default=t) for t in range(30)]
        assert set(some) <= {f for f in frames if 4 <= f <= 21}
        assert all(b - a >= 3 for a, b in pairwise(some))
        assert all(any(0 <= f - a < 3 for a in some) for f in frames if 4 <= f <= 21)
