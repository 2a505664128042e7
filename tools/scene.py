"""What surrounds a person in a composed picture: backgrounds, clothes, things in front, a camera.

Pictures are SIZE by SIZE, RGB in 0 … 1; mattes are 0 … 1.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import silhouette
from numpy.typing import NDArray

from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.synthetic.background import draw_background

SIZE = 256
"""Height and width in pixels of what is written."""

KEPT_SIDE = 720
"""Shorter side in pixels at which persons and photographs are kept in memory."""

IN_FRONT_SHARE = 0.15
"""Share of the pictures with something before the person, of those with another background."""

DIM_SHARE = 0.12
"""Share of the pictures with little light."""

GREY_SHARE = 0.12
"""Share of the pictures without colours."""

Image = NDArray[np.uint8]
Layer = NDArray[np.float32]


@functools.lru_cache(maxsize=512)
def photograph(path: Path) -> Image:
    """A picture, at most KEPT_SIDE on its shorter side."""
    return limited(pictures.read_image(path))


def limited(picture: Image) -> Image:
    """The picture, made smaller if its shorter side has more than KEPT_SIDE pixels."""
    scale = min(1.0, KEPT_SIDE / min(picture.shape[:2]))
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def cropped(
    layers: list[Layer],
    box: NDArray[np.float64],
    angle: float,
    border: int = cv2.BORDER_CONSTANT,
) -> list[Layer]:
    """The same turned box (left, top, width, height) of each, SIZE by SIZE, black outside.

    Args:
        border: OpenCV's name for what lies outside, if that is not black.
    """
    left, top, width, height = box
    middle = (left + width / 2, top + height / 2)
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    corners = np.array([[left, top, 1], [left + width, top, 1], [left, top + height, 1]])
    source = (corners @ turn.T).astype(np.float32)
    target = np.array([[0, 0], [SIZE, 0], [0, SIZE]], np.float32)
    # Twice the size first, then by area: a photograph shrunk by a warp alone has aliases.
    warp = cv2.getAffineTransform(source, 2 * target)
    return [
        cv2.resize(
            cv2.warpAffine(
                layer, warp, (2 * SIZE, 2 * SIZE), flags=cv2.INTER_LINEAR, borderMode=border
            ),
            (SIZE, SIZE),
            interpolation=cv2.INTER_AREA,
        )
        for layer in layers
    ]


def crop_of(picture: Image, rng: np.random.Generator, least: float = 0.5) -> Layer:
    """A random part of a photograph, SIZE by SIZE, in 0 … 1; `least` of its shorter side."""
    height, width = picture.shape[:2]
    side = min(height, width) * rng.uniform(least, 1.0)
    aspect = rng.uniform(0.85, 1.2)
    size = np.minimum([side * aspect, side], [width, height])
    corner = rng.uniform(0, 1, 2) * (np.array([width, height]) - size)
    box = np.concatenate([corner, size])
    # Pixels at the edge would mix with the black outside.
    part = cropped([scaled(picture)], box, 0.0, cv2.BORDER_REPLICATE)[0]
    return part[:, ::-1] if rng.random() < 0.5 else part


def scaled(picture: Image) -> Layer:
    """Values of 0 … 255 as 0 … 1."""
    return (picture / np.float32(255)).astype(np.float32)


def background(photos: list[Path], rng: np.random.Generator) -> Layer:
    """A background, drawn or photographed, blurred in some pictures as a lens would."""
    if rng.random() < 0.3:
        return draw_background(rng, SIZE)
    back = crop_of(photograph(photos[rng.integers(len(photos))]), rng, least=0.25)
    if rng.random() < 0.45:
        back = cv2.GaussianBlur(back, (0, 0), rng.uniform(0.5, 5.0))
    return back


def lit(fore: Layer, matte: Layer, back: Layer, rng: np.random.Generator) -> Layer:
    """The foreground's colours moved towards the mean colour of its new background."""
    seen = matte > 0.5
    if not seen.any():
        return fore
    share = rng.uniform(0.0, 0.4)
    ratio = (back.mean(axis=(0, 1)) + 0.1) / (fore[seen].mean(axis=0) + 0.1)
    return np.clip(fore * (ratio**share).astype(np.float32), 0, 1)


def dressed(fore: Layer, matte: Layer, photos: list[Path], rng: np.random.Generator) -> Layer:
    """The same person in other clothes: a photograph's texture in the person's light and shade."""
    cloth = crop_of(photograph(photos[rng.integers(len(photos))]), rng, least=0.15)
    if rng.random() < 0.4:
        cloth = cv2.GaussianBlur(cloth, (0, 0), rng.uniform(1.0, 8.0))
    grey = cloth.mean(axis=2, keepdims=True)
    cloth = grey + (cloth - grey) * np.float32(rng.uniform(0.0, 1.0))
    cloth = np.clip(cloth * rng.uniform(0.4, 1.6, 3).astype(np.float32), 0, 1)
    below = np.arange(SIZE) - silhouette.neck(matte) - rng.uniform(0, 0.06) * SIZE
    share = np.clip(below / (0.05 * SIZE) + 0.5, 0, 1).astype(np.float32)[:, None, None]
    clothes = share[..., 0] * matte > 0.5
    if not clothes.any():
        return fore
    light = fore.mean(axis=2, keepdims=True)
    shade = (light + 0.1) / (light[clothes].mean() + 0.1)
    clothed = np.clip(cloth * shade ** np.float32(rng.uniform(0.3, 1.0)), 0, 1)
    return fore + share * (clothed - fore)


def before(
    fore: Layer, matte: Layer, dressed_share: float, photos: list[Path], rng: np.random.Generator
) -> tuple[Layer, Layer]:
    """Picture and matte of the person before another background.

    In `dressed_share` of the pictures the person wears other clothes.
    """
    if rng.random() < dressed_share:
        fore = dressed(fore, matte, photos, rng)
    back = background(photos, rng)
    fore = lit(fore, matte, back, rng)
    picture = matte[..., None] * fore + (1 - matte[..., None]) * back
    if rng.random() < IN_FRONT_SHARE:
        return in_front(picture, matte, photos, rng)
    return picture, matte


def in_front(
    picture: Layer, matte: Layer, photos: list[Path], rng: np.random.Generator
) -> tuple[Layer, Layer]:
    """The same with a thing before the person along one edge, as a table or a door may be.

    It has the texture of a photograph and reaches over at most 0.35 of the picture. The matte
    leaves it out.
    """
    thing = crop_of(photograph(photos[rng.integers(len(photos))]), rng, least=0.15)
    if rng.random() < 0.5:
        thing = cv2.GaussianBlur(thing, (0, 0), rng.uniform(1.0, 12.0))
    thing = np.clip(thing * rng.uniform(0.5, 1.4, 3).astype(np.float32), 0, 1)
    across = np.linspace(-0.5, 0.5, SIZE)
    reach = rng.uniform(0.04, 0.28) + rng.normal(0, 0.1) * across
    reach += rng.normal(0, 0.02) * np.cos(2 * np.pi * (rng.uniform(0.5, 3) * across + rng.random()))
    height = 1 - (np.arange(SIZE)[:, None] + 0.5) / SIZE  # above the lower edge
    softness = rng.uniform(1.0, 4.0)
    cover = np.clip((np.clip(reach, 0, 0.35) - height) * SIZE / softness + 0.5, 0, 1)
    if rng.random() < 0.25:
        cover = np.rot90(cover, rng.choice([1, -1]))
    cover = cover.astype(np.float32)
    return picture + cover[..., None] * (thing - picture), matte * (1 - cover)


def camera(picture: Layer, matte: Layer, rng: np.random.Generator) -> tuple[Image, Image]:
    """Exposure, colour, blur, noise and compression; only blur touches the matte."""
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 1.2)
        picture, matte = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer in (picture, matte))
    gain = 1 + rng.normal(0, 0.05, 3) * (rng.random() < 0.6)
    light = rng.uniform(0.35, 0.75) if rng.random() < DIM_SHARE else rng.uniform(0.8, 1.2)
    picture = picture * (gain * light).astype(np.float32)
    picture = np.clip(picture + np.float32(rng.normal(0, 0.03)), 0, 1)
    picture = picture ** np.float32(rng.uniform(0.8, 1.25))
    if rng.random() < GREY_SHARE:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.gamma(1.5, 0.006))
    image = np.rint(np.clip(picture + noise, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image, np.rint(np.clip(matte, 0, 1) * 255).astype(np.uint8)
