"""A synthetic video: a background, things before it, light and a camera; any frame can be drawn by itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from civos_siaf.data.shapes.motion import Path
from civos_siaf.data.shapes.outlines import Outline
from civos_siaf.data.shapes.textures import Palette, look_alike, palette, texture

SKIN = 112
"""Side of an object's texture in pixels."""
SUBPIXEL = 4
MARGIN = 0.35
"""How much larger than the picture the background is, on each side, in parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Something with an outline, a texture and a way through the picture.

    Attributes:
        label: its number in the labels; 0 for what is not followed: occluders and distractors.
    """

    label: int
    outline: Outline
    path: Path
    skin: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRules:
    """What scenes are like.

    Attributes:
        objects: fewest and most labelled objects.
        scale: range of an object's radius, in parts of the picture's shorter side.
        pace: typical speed, picture sides per frame.
        look_alikes: probability that an object looks like another one.
        occluders: most unlabelled things in front.
        distractors: most unlabelled things among the objects.
        leaving: objects may go a little beyond the picture.
        defects: noise, blur and changes of light.
    """

    objects: tuple[int, int] = (1, 4)
    scale: tuple[float, float] = (0.1, 0.3)
    pace: float = 0.012
    look_alikes: float = 0.4
    occluders: int = 1
    distractors: int = 2
    leaving: bool = True
    defects: bool = True


class Scene:
    """A video of a size, the same for the same generator state.

    Args:
        rng: all randomness.
        size: (H, W) of the frames.
        rules: what it is like.
    """

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], rules: SceneRules) -> None:
        self.size = size
        colours = palette(rng)
        self._background = self._backdrop(rng, size, colours)
        self._camera = Path.random(rng, scale=(0.95, 1.1), pace=0.004, limits=(0.3, 0.7))
        low, high = rules.objects
        self.num_objects = int(rng.integers(low, high + 1))
        self.things = self._things(rng, rules, colours)
        self._noise = float(rng.uniform(0, 6)) if rules.defects else 0.0
        self._blur = float(rng.uniform(0.3, 1.1)) if rules.defects and rng.random() < 0.5 else 0.0
        self._light = float(rng.uniform(0, 0.15)) if rules.defects else 0.0
        self._grain = int(rng.integers(2**31))

    def draw(self, t: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Image (H, W, 3) and labels (H, W) of visible pixels at a time in frames."""
        image, shift = self._backdrop_at(t)
        labels = np.zeros(self.size, np.uint8)
        for thing in self.things:
            self._paint(image, labels, thing, t, shift)
        return self._spoilt(image, t), labels

    def _things(self, rng: np.random.Generator, rules: SceneRules, background: Palette) -> list[Thing]:
        """Back to front."""
        limits = (0.02, 0.98) if rules.leaving else (0.15, 0.85)
        labelled = list(range(1, self.num_objects + 1))
        unlabelled = [0] * int(rng.integers(rules.distractors + 1))
        order = rng.permutation([*labelled, *unlabelled])
        families: list[Palette] = []
        things = []
        # Many objects are smaller ones.
        share = min(1.0, (3 / max(1, self.num_objects)) ** 0.5)
        scale = (rules.scale[0] * share, rules.scale[1] * share)
        for label in order:
            if families and rng.random() < rules.look_alikes:
                colours = look_alike(families[int(rng.integers(len(families)))], rng)
            elif rng.random() < 0.1:
                colours = look_alike(background, rng, distance=30)
            else:
                colours = palette(rng)
            families.append(colours)
            path = Path.random(rng, scale=scale, pace=rules.pace, limits=limits)
            things.append(Thing(int(label), Outline.random(rng), path, _skin(rng, colours)))
        for _ in range(int(rng.integers(rules.occluders + 1))):
            path = Path.random(rng, scale=(0.05, 0.15), pace=rules.pace * 1.5, limits=(-0.2, 1.2))
            things.append(Thing(0, Outline.random(rng), path, _skin(rng, palette(rng))))
        return things

    @staticmethod
    def _backdrop(rng: np.random.Generator, size: tuple[int, int], colours: Palette) -> NDArray[np.uint8]:
        """Larger than the picture, drawn at half size; a few large patches lie on it."""
        half = (int(size[0] * (0.5 + MARGIN)), int(size[1] * (0.5 + MARGIN)))
        plane = texture(rng, half, colours, scale=1.2)
        for _ in range(int(rng.integers(5))):
            other = texture(rng, half, palette(rng), scale=1.0)
            corners = rng.uniform(-0.1, 1.1, (int(rng.integers(3, 6)), 2)) * (half[1], half[0])
            mask = np.zeros(half, np.uint8)
            cv2.fillConvexPoly(mask, cv2.convexHull(corners.astype(np.int32)), 255, cv2.LINE_AA)
            alpha = mask[..., None].astype(np.float32) / 255
            plane = (plane * (1 - alpha) + other * alpha).astype(np.uint8)
        return plane

    def _backdrop_at(self, t: float) -> tuple[NDArray[np.uint8], tuple[float, float]]:
        """The background as the camera sees it, and how far the camera has moved, in pixels."""
        height, width = self.size
        zoom = 2 * self._camera.size(t)
        x, y = self._camera.place(t)
        shift = ((x - 0.5) * width * MARGIN, (y - 0.5) * height * MARGIN)
        centre = self._background.shape[1] / 2, self._background.shape[0] / 2
        matrix = np.array(
            [
                [zoom, 0, width / 2 - zoom * centre[0] - shift[0]],
                [0, zoom, height / 2 - zoom * centre[1] - shift[1]],
            ]
        )
        image = cv2.warpAffine(
            self._background,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(image, np.uint8), shift

    def _paint(
        self,
        image: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        thing: Thing,
        t: float,
        shift: tuple[float, float],
    ) -> None:
        """Draw a thing over what is there; both arrays are changed."""
        height, width = self.size
        x, y = thing.path.place(t)
        radius = thing.path.size(t) * min(self.size)
        turn = thing.path.turn(t)
        linear = radius * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        # What stands in the scene moves with it, half as much as what is far.
        place = np.array([x * width - 0.5 * shift[0], y * height - 0.5 * shift[1]])
        corners = [blob.at(t) @ linear.T + place for blob in thing.outline.parts]
        box = _box(np.concatenate(corners), self.size)
        if box is None:
            return
        rows, columns = box
        origin = np.array([columns.start, rows.start])
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        for polygon in corners:
            _fill(mask, polygon - origin, 255)
        if thing.outline.hole is not None:
            _fill(mask, thing.outline.hole.at(t) @ linear.T + place - origin, 0)
        to_frame = np.column_stack([linear * (2.4 / SKIN), place - origin - linear @ np.full(2, 1.2)])
        skin = cv2.warpAffine(
            thing.skin, to_frame, mask.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        alpha = mask[..., None].astype(np.float32) / 255
        below = image[rows, columns]
        image[rows, columns] = (below + alpha * (skin.astype(np.float32) - below)).astype(np.uint8)
        labels[rows, columns][mask > 127] = thing.label

    def _spoilt(self, image: NDArray[np.uint8], t: float) -> NDArray[np.uint8]:
        """Light, blur and noise as of a camera."""
        gain = 1 + self._light * np.sin(0.13 * t)
        picture = image.astype(np.float32) * gain
        if self._blur:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self._blur), np.float32)
        if self._noise:
            grain = np.random.default_rng((self._grain, round(16 * t)))
            tile = grain.standard_normal((128, 128, 3), dtype=np.float32) * self._noise
            repeats = (-(-image.shape[0] // 128), -(-image.shape[1] // 128), 1)
            picture += np.tile(tile, repeats)[: image.shape[0], : image.shape[1]]
        return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _skin(rng: np.random.Generator, colours: Palette) -> NDArray[np.uint8]:
    """A texture with light from one side."""
    plane = texture(rng, (SKIN, SKIN), colours, scale=float(rng.uniform(0.5, 1.2)))
    y, x = np.mgrid[:SKIN, :SKIN].astype(np.float32) / SKIN - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    shade = 1 + rng.uniform(0, 0.7) * (x * np.cos(angle) + y * np.sin(angle))
    return np.asarray(np.clip(plane * shade[..., None], 0, 255), np.uint8)


def _fill(mask: NDArray[np.uint8], polygon: NDArray[np.float64], value: int) -> None:
    fixed = np.rint(polygon * 2**SUBPIXEL).astype(np.int32)
    cv2.fillPoly(mask, [fixed], value, cv2.LINE_AA, SUBPIXEL)


def _box(points: NDArray[np.float64], size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns around points, inside a picture; None: nothing of it is there."""
    low, high = np.floor(points.min(axis=0)) - 2, np.ceil(points.max(axis=0)) + 3
    left, top = np.maximum(low, 0).astype(int)
    right, bottom = np.minimum(high, (size[1], size[0])).astype(int)
    if left >= right or top >= bottom:
        return None
    return slice(int(top), int(bottom)), slice(int(left), int(right))
