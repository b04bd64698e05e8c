import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from civos_siaf.weights.download import download
from civos_siaf.weights.manifest import WeightRecord

CONTENT = bytes(range(256)) * 9000


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT, with ranges; notes the ranges asked for."""

    def __init__(self, *args: object, ranges: list[str], behaviour: dict[str, int], **kwargs: object) -> None:
        self.ranges, self.behaviour = ranges, behaviour
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0) if self.behaviour.get("resume", 1) else 0
        if self.path == "/absent":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if self.behaviour.get("html"):
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(CONTENT[start : self.behaviour.get("stop", len(CONTENT))])

    def log_message(self, *args: object) -> None:
        pass


class Site:
    def __init__(self) -> None:
        self.ranges: list[str] = []
        self.behaviour: dict[str, int] = {}
        handler = partial(Server, ranges=self.ranges, behaviour=self.behaviour)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def record(
        self, sha256: str | None = None, path: str = "file.pth", size: int | None = None
    ) -> WeightRecord:
        url = f"http://127.0.0.1:{self.server.server_port}/{path}"
        return WeightRecord("x", "a", "file.pth", url, "the page", "MIT", "none", sha256, bytes=size)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def test_a_file_arrives_whole_with_progress(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(
        site.record(hashlib.sha256(CONTENT).hexdigest()), tmp_path, progress=lambda *args: seen.append(args)
    )
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in tmp_path.iterdir()] == ["file.pth"]


def test_a_broken_off_download_goes_on(site: Site, tmp_path: Path) -> None:
    site.behaviour["stop"] = 100_000
    with pytest.raises(ConnectionError, match=r"broke off after 100000 of 2304000 bytes.*run again"):
        download(site.record(), tmp_path)
    assert not (tmp_path / "file.pth").exists()
    del site.behaviour["stop"]
    assert download(site.record(), tmp_path).read_bytes() == CONTENT
    assert site.ranges == ["", "bytes=100000-"]


def test_a_server_that_cannot_resume_starts_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(b"something else")
    site.behaviour["resume"] = 0
    assert download(site.record(), tmp_path).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_dropped(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT + b"more")
    assert download(site.record(), tmp_path).read_bytes() == CONTENT


def test_another_hash_is_refused_and_nothing_kept(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sha256 is [0-9a-f]{64}, expected 0000"):
        download(site.record("0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_hash_the_first_one_is_recorded_and_held_to(site: Site, tmp_path: Path) -> None:
    path = download(site.record(), tmp_path)
    noted = (tmp_path / "file.pth.sha256").read_text().split()
    assert noted == [hashlib.sha256(CONTENT).hexdigest(), "file.pth"]
    download(site.record(), tmp_path)
    assert len(site.ranges) == 1  # the file was there
    path.write_bytes(b"changed")
    with pytest.raises(ValueError, match="sha256 is"):
        download(site.record(), tmp_path)


def test_offline_says_what_to_do(site: Site, tmp_path: Path) -> None:
    record = site.record()
    site.server.server_close()
    site.server.shutdown()
    with pytest.raises(ConnectionError, match=r"cannot fetch http.*fetch file\.pth by hand from the page"):
        download(record, tmp_path)


def test_an_absent_file_names_the_answer(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="Not Found"):
        download(site.record(path="absent"), tmp_path)
    assert not (tmp_path / "file.pth").exists()


def test_a_web_page_is_not_the_file_and_nothing_of_it_is_kept(site: Site, tmp_path: Path) -> None:
    site.behaviour["html"] = 1
    message = r"a web page came in place of the file.*fetch file\.pth by hand from the page and put it into"
    for size in (None, 1000):
        with pytest.raises(ConnectionError, match=message):
            download(site.record(size=size), tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_web_page_does_not_spoil_what_had_come_before(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(CONTENT[:1000])
    site.behaviour["html"] = 1
    with pytest.raises(ConnectionError, match="web page"):
        download(site.record(), tmp_path)
    del site.behaviour["html"]
    assert download(site.record(), tmp_path).read_bytes() == CONTENT


def test_less_than_the_tensors_is_not_the_file(site: Site, tmp_path: Path) -> None:
    size = len(CONTENT) + 1
    with pytest.raises(ConnectionError, match=rf"the file, {size - 1} bytes of at least {size}\).*by hand"):
        download(site.record(size=size), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert download(site.record(size=size - 1), tmp_path).read_bytes() == CONTENT


def test_a_short_file_that_is_there_is_not_taken_for_the_file(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_bytes(b"<html>")
    (tmp_path / "file.pth.sha256").write_text(f"{hashlib.sha256(b'<html>').hexdigest()}  file.pth\n")
    with pytest.raises(ValueError, match=r"6 bytes of at least 7; remove it and file\.pth\.sha256"):
        download(site.record(size=7), tmp_path)
    assert site.ranges == []
