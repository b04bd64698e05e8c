import asyncio
import io
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.server.pictures import Pictures, thumbnail
from civos_siaf.app.server.requests import RequestError
from civos_siaf.video.frames import Frames
from tests.app.server.videos import stripes, write
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("v") / "x.mkv", stripes(20, 32, 48), codec="ffv1", pix_fmt="bgr0")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the frames that were asked of a decoder, and never by the event loop's thread."""
    numbers: list[int] = []
    original: Callable[[Frames, int], np.ndarray] = Frames.__getitem__

    def counting(self: Frames, index: int) -> np.ndarray:
        assert threading.current_thread() is not threading.main_thread()
        numbers.append(index)
        return original(self, index)

    monkeypatch.setattr(Frames, "__getitem__", counting)
    return numbers


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def number(jpeg: bytes) -> int:
    return round((int(np.asarray(Image.open(io.BytesIO(jpeg)))[16, 40, 2]) - 20) / 10)


def test_frames_in_any_order_are_right(video: Path) -> None:
    async def main() -> None:
        pictures = Pictures(video)
        for index in (0, 1, 2, 12, 11, 10, 19, 5, 0, 13):
            assert number(await pictures.get(index)) == index
        together = await asyncio.gather(*(pictures.get(index) for index in range(20)))
        assert [number(data) for data in together] == list(range(20))
        pictures.close()

    run(main())


def test_the_next_frames_are_decoded_ahead(video: Path, decoded: list[int]) -> None:
    async def main() -> None:
        pictures = Pictures(video, ahead=3)
        await pictures.get(4)
        await asyncio.to_thread(wait_until, lambda: 7 in decoded)
        assert [n for n in decoded if n] == [4, 5, 6, 7]
        await pictures.get(6)
        assert decoded.count(6) == 1
        pictures.close()

    run(main())


def test_looking_backwards_decodes_a_stretch_at_once(video: Path, decoded: list[int]) -> None:
    async def main() -> None:
        pictures = Pictures(video, ahead=4)
        await pictures.get(15)
        await pictures.get(14)
        for index in (13, 12, 11, 10):
            assert number(await pictures.get(index)) == index
        pictures.close()
        assert [n for n in decoded if 10 <= n <= 14] == [10, 11, 12, 13, 14]

    run(main())


def test_the_cache_keeps_to_its_bytes(video: Path) -> None:
    async def main() -> None:
        pictures = Pictures(video, cache_bytes=2500, ahead=0)
        for index in range(20):
            await pictures.get(index)
        assert 0 < pictures._bytes <= 2500
        assert pictures._bytes == sum(map(len, pictures._cache.values()))
        pictures.close()

    run(main())


@pytest.mark.parametrize("index", [20, -1, 10**30])
def test_a_frame_that_is_not_there(video: Path, index: int) -> None:
    async def main() -> None:
        pictures = Pictures(video)
        with pytest.raises(RequestError, match="the video ends with 19") as error:
            await pictures.get(index)
        assert error.value.status == 404
        pictures.close()

    run(main())


def test_a_damaged_frame_is_told_and_others_still_come(tmp_path: Path, video: Path) -> None:
    damaged = tmp_path / "images"
    damaged.mkdir()
    for index, image in enumerate(stripes(4, 32, 48)):
        Image.fromarray(image).save(damaged / f"{index}.png")
    (damaged / "2.png").write_bytes(b"nothing")

    async def main() -> None:
        pictures = Pictures(damaged)
        with pytest.raises(RequestError, match="Frame 2 cannot be decoded") as error:
            await pictures.get(2)
        assert error.value.status == 422
        assert number(await pictures.get(3)) == 3
        pictures.close()

    run(main())


def test_thumbnails_keep_the_shape() -> None:
    assert thumbnail(np.zeros((480, 854, 3), np.uint8)).shape == (54, 96, 3)
    assert thumbnail(np.zeros((2000, 3, 3), np.uint8)).shape == (54, 1, 3)
