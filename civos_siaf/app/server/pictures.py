"""The frames of one video as JPEG for the page, decoded apart from the model's reading.

The model walks through the video in its own order; a viewer that shared its decoder would send it back to a
key frame at every look. So the viewer and the thumbnails have a decoder each.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from civos_siaf.app.server.requests import RequestError
from civos_siaf.video.frames import Frames, Rgb

QUALITY = 90
CACHE_BYTES = 64 * 2**20
THUMBNAIL_HEIGHT = 54
AHEAD = 8
"""Frames decoded beyond the one asked for."""

NEAR = 64
"""A step back by fewer frames is taken for looking backwards."""


def jpeg(image: Rgb, *, quality: int = QUALITY) -> bytes:
    """Encode an image (H, W, 3) uint8 as JPEG."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"an image of {image.shape[1]}x{image.shape[0]} pixels cannot be a JPEG")
    return data.tobytes()


def thumbnail(image: Rgb, height: int = THUMBNAIL_HEIGHT) -> Rgb:
    """Shrink an image to `height` rows, its shape kept."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


class Pictures:
    """JPEGs of one video, kept up to a number of bytes; one thread decodes, the event loop only waits.

    Args:
        source: the video file or image folder.
        shape: what is done to a frame before it is encoded.
        cache_bytes: of JPEGs kept.
        quality: of the JPEGs, 1 to 100.
        run_bytes: of decoded pictures kept for steps back; None: as `Frames` does.
        ahead: frames decoded after the one asked for, until another is asked for.
    """

    def __init__(
        self,
        source: Path,
        *,
        shape: Callable[[Rgb], Rgb] | None = None,
        cache_bytes: int = CACHE_BYTES,
        quality: int = QUALITY,
        ahead: int = AHEAD,
        run_bytes: int | None = None,
    ) -> None:
        self._source = source
        self._run_bytes = run_bytes
        self._shape = shape
        self._quality = quality
        self._budget = cache_bytes
        self._ahead = ahead
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._frames: Frames | None = None
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._asked = 0
        self._at = 0  # the frame decoded last

    async def get(self, index: int) -> bytes:
        """The JPEG of a frame.

        Raises:
            RequestError: 404 no such frame, 422 it cannot be decoded.
        """
        self._asked += 1
        asked = self._asked
        data = self._kept(index)
        if data is None:
            data = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, index)
        if self._ahead and asked == self._asked:
            self._thread.submit(self._fetch_ahead, index, asked)
        return data

    def close(self) -> None:
        """Stop decoding."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _read(self, index: int) -> bytes:
        if self._frames is None:
            # Only JPEGs are kept.
            self._frames = Frames.open(self._source, cache_bytes=1, run_bytes=self._run_bytes)
        if not 0 <= index < len(self._frames):
            raise RequestError(
                404, f"There is no frame {index}: the video ends with {len(self._frames) - 1}."
            )
        if index < self._at < index + NEAR and self._kept(index) is None:
            # A step back costs the way from the key frame; what lies on it will be looked at next.
            for before in range(max(0, index - self._ahead), index):
                self._decode(before)
        return self._decode(index)

    def _fetch_ahead(self, index: int, asked: int) -> None:
        if self._frames is None or self._asked != asked:
            return
        for after in range(index + 1, min(index + 1 + self._ahead, len(self._frames))):
            if self._asked != asked:
                return
            try:
                self._decode(after)
            except RequestError:  # told when that frame is looked at
                return

    def _decode(self, index: int) -> bytes:
        assert self._frames is not None
        data = self._kept(index)
        if data is None:
            try:
                image = self._frames[index]
            except (ValueError, OSError) as error:
                raise RequestError(
                    422, f"Frame {index} cannot be decoded; the video is damaged there."
                ) from error
            data = jpeg(image if self._shape is None else self._shape(image), quality=self._quality)
            self._keep(index, data)
            self._at = index
        return data

    def _kept(self, index: int) -> bytes | None:
        with self._lock:
            data = self._cache.get(index)
            if data is not None:
                self._cache.move_to_end(index)
            return data

    def _keep(self, index: int, data: bytes) -> None:
        with self._lock:
            self._cache[index] = data
            self._bytes += len(data)
            while self._bytes > self._budget and len(self._cache) > 1:
                self._bytes -= len(self._cache.popitem(last=False)[1])
