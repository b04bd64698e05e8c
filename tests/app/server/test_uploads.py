import asyncio
import errno
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

from civos_siaf.app.server import uploads
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.requests import RequestError
from tests.app.server.videos import stripes, write


def left_over(library: ProjectRegistry) -> list[Path]:
    return [path for path in library.folder.rglob("*") if path.is_file()]


def upload(client: TestClient, data: bytes, name: str = "clip.mp4") -> tuple[int, dict[str, str]]:
    answer = client.post("api/projects", params={"name": name}, content=data)
    return answer.status_code, answer.json()


def test_an_upload_becomes_a_project(client: TestClient, clip: Path, library: ProjectRegistry) -> None:
    status, body = upload(client, clip.read_bytes())
    assert status == 201
    (entry,) = library.entries()
    assert (entry.id, entry.name, entry.num_frames) == (body["id"], "clip.mp4", 6)
    assert entry.video.read_bytes() == clip.read_bytes()
    assert entry.video.is_relative_to(library.folder)
    assert client.get("api/projects").json()[0]["id"] == body["id"]


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, "png")
    return file.getvalue()


NOT_VIDEOS = {
    "a picture": picture(),
    "text": b"hello" * 1000,
    "html": b"<html><script>alert(1)</script></html>",
    "nothing but zeros": bytes(5000),
    "a zip": b"PK\x03\x04" + bytes(500),
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("data", NOT_VIDEOS.values(), ids=NOT_VIDEOS)
def test_what_is_no_video_is_refused_and_removed(
    client: TestClient, library: ProjectRegistry, data: bytes
) -> None:
    status, body = upload(client, data, "x.mp4")
    assert status == 422
    assert "x.mp4 is not a video" in body["error"]
    assert str(library.folder) not in body["error"]
    assert left_over(library) == []


def test_a_playlist_does_not_open_other_files(client: TestClient, clip: Path, tmp_path: Path) -> None:
    """FFmpeg would follow both of these to a video that is there."""
    folder, stream = clip.parent, tmp_path / "s.ts"
    write(stream, stripes(3, 32, 32))
    lists = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{stream}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\noption safe 0\nfile {folder.name}/{clip.name}\n",
    )
    for text in lists:
        assert upload(client, text.encode())[0] == 422
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(lists[0])
    with pytest.raises(RequestError):
        uploads.check_video(playlist, "list.m3u8")


def test_an_empty_file_is_refused(client: TestClient, library: ProjectRegistry) -> None:
    assert upload(client, b"") == (400, {"error": "clip.mp4 is empty."})
    assert left_over(library) == []


def test_a_sound_without_pictures_is_refused(client: TestClient) -> None:
    import wave

    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    assert upload(client, sound.getvalue(), "song.wav")[0] == 422


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_that_is_cut_off_is_refused(
    client: TestClient, library: ProjectRegistry, tmp_path: Path, share: float
) -> None:
    rng = np.random.default_rng(0)
    path = write(tmp_path / "x.mp4", rng.integers(0, 255, (10, 64, 64, 3), dtype=np.uint8),
                 options={"movflags": "faststart"})  # fmt: skip
    data = path.read_bytes()
    status, body = upload(client, data[: int(share * len(data))])
    assert status == 422
    assert "not a video" in body["error"] or "cut off" in body["error"]
    assert left_over(library) == []


def test_a_video_with_gaps_in_time_has_every_frame_once(client: TestClient, tmp_path: Path) -> None:
    frames = stripes(5, 32, 32)
    path = write(tmp_path / "x.mkv", frames, codec="ffv1", pix_fmt="bgr0", stamps=[0, 10, 500, 510, 2000])
    status, body = upload(client, path.read_bytes(), "x.mkv")
    assert status == 201
    for t in range(5):
        assert abs(int(pixels(client, body["id"], t)[16, 24, 2]) - (20 + 10 * t)) < 4


def test_a_turned_video_is_upright(client: TestClient, tmp_path: Path) -> None:
    path = write(tmp_path / "x.mp4", stripes(3, 32, 64), rotation=90)
    status, body = upload(client, path.read_bytes())
    assert status == 201
    project = client.get(f"api/projects/{body['id']}").json()["project"]
    assert (project["width"], project["height"]) == (32, 64)
    image = pixels(client, body["id"], 0)
    assert image.shape == (64, 32, 3)
    red = (image[..., 0] > 150).mean(axis=1)
    assert sorted([red[:32].mean() > 0.9, red[32:].mean() > 0.9]) == [
        False,
        True,
    ]  # halves one above the other


@pytest.mark.parametrize(("height", "width"), [(33, 47), (1, 1), (2160, 3840)])
def test_odd_and_large_sizes(client: TestClient, tmp_path: Path, height: int, width: int) -> None:
    path = write(tmp_path / "x.mkv", stripes(2, height, width), codec="mjpeg", pix_fmt="yuvj444p")
    status, body = upload(client, path.read_bytes(), "x.mkv")
    assert status == 201
    assert pixels(client, body["id"], 1).shape == (height, width, 3)
    small = client.get(f"api/projects/{body['id']}/thumbnails/0").content
    assert Image.open(io.BytesIO(small)).size == (max(1, round(width * 54 / height)), 54)


def pixels(client: TestClient, project: str, frame: int) -> np.ndarray:
    answer = client.get(f"api/projects/{project}/frames/{frame}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    return np.asarray(Image.open(io.BytesIO(answer.content)))


HOSTILE = [
    "../../x.mp4", "..\\..\\x", "/etc/passwd", "видео 視頻 🎬.mp4", "a" * 5000, "x\0.mp4", "\u202egpj.mp4",
    "<img src=x onerror=alert(1)>.mp4", "..", ".", "", " ", "con", "x\r\nSet-Cookie: a=b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_shown(
    client: TestClient, clip: Path, library: ProjectRegistry, name: str
) -> None:
    status, body = upload(client, clip.read_bytes(), name)
    assert status == 201, body
    (entry,) = library.entries()
    assert 0 < len(entry.name) <= 200
    assert not set(entry.name) & set("\0\r\n/\\")
    assert entry.folder.parent == library.folder
    assert {path.parent for path in left_over(library)} == {entry.folder}
    assert client.get(f"api/projects/{body['id']}").json()["project"]["name"] == entry.name


@given(st.text())
def test_a_name_for_people_is_short_and_plain(name: str) -> None:
    shown = uploads.shown_name(name)
    assert 0 < len(shown) <= 200
    assert "/" not in shown
    assert shown.isprintable()
    shown.encode("utf-8")


def test_a_file_announced_too_large_is_refused_before_it_comes(
    client: TestClient, library: ProjectRegistry
) -> None:
    def body() -> Iterator[bytes]:
        yield b"x"

    answer = client.post("api/projects", content=body(), headers={"Content-Length": str(2**30)})
    assert answer.status_code == 413
    assert "1,024 MB" in answer.json()["error"]
    assert left_over(library) == []


def test_a_file_that_grows_too_large_is_refused_and_removed(
    client: TestClient, library: ProjectRegistry
) -> None:
    sent = []

    def body() -> Iterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield bytes(100_000)

    answer = client.post("api/projects", content=body())
    assert answer.status_code == 413
    assert left_over(library) == []


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


def receive(folder: Path, body: AsyncIterator[bytes]) -> bytes:
    async def main() -> bytes:
        async with uploads.kept_while(body, folder, name="clip.mp4") as path:
            return path.read_bytes()

    return asyncio.run(main())


def test_what_is_received_is_what_was_sent(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    assert receive(tmp_path, pieces(*(data[i : i + 999] for i in range(0, len(data), 999)))) == data
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full_disk, opened = Path("/dev/full"), Path.open
    if not full_disk.exists():
        pytest.skip("needs /dev/full")

    def full(self: Path, *arguments: str) -> object:
        self.touch()
        return (
            opened(Path("/dev/full"), "wb", buffering=0)
            if self.suffix == ".part"
            else opened(self, *arguments)
        )

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RequestError, match="disk is full") as error:
        receive(tmp_path, pieces(bytes(3 * 2**20)))
    assert error.value.status == 507
    assert list(tmp_path.iterdir()) == []


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "RESERVE", 2**60)
    with pytest.raises(RequestError, match="no room"):
        receive(tmp_path, pieces(b"x"))
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(10)
        raise RequestError(400, "broke off")

    with pytest.raises(RequestError, match="broke off"):
        receive(tmp_path, broken())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_the_project_is_made_leaves_nothing(
    client: TestClient, clip: Path, library: ProjectRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("civos_siaf.app.storage.project.write_text", full)
    status, body = upload(client, clip.read_bytes())
    assert status == 507
    assert "disk is full" in body["error"]
    assert left_over(library) == []


def test_leftovers_of_a_killed_server_are_swept(tmp_path: Path) -> None:
    (tmp_path / "0123.part").touch()
    (tmp_path / "kept").touch()
    uploads.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
