"""What lies behind the person: rooms, streets, plants, walls, lights, and plain studios.

Everything is drawn on the unit square, and much of it in the colours of skin and hair, so
that colour alone tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import (
    Canvas,
    Frame,
    fractal,
    rectangle,
    soften,
    spline,
)
from mmnet_deploy.portraits.synthetic.clutter import draw_clutter
from mmnet_deploy.portraits.synthetic.palette import any_colour, hair_colour, lure

Painter = Callable[[Canvas, np.random.Generator], None]


def draw_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A picture without a person, float32 (size, size, 3), 0..1."""
    tilt = rng.normal(0, 0.05)
    zoom = rng.uniform(1.0, 1.5)
    corner = -0.5 * (zoom - 1) * size
    canvas = Canvas(size, Frame((corner, corner), (zoom * size, zoom * size), tilt), finer=1)
    canvas.pixels[...] = 255
    kind = rng.choice(len(_PAINTERS), p=_SHARES / _SHARES.sum())
    _PAINTERS[kind](canvas, rng)
    if _PAINTERS[kind] is not _studio:
        draw_clutter(canvas, rng)
    picture = canvas.layer()[..., :3]
    return _finish(picture, rng, plain=_PAINTERS[kind] is _studio)


def _finish(picture: np.ndarray, rng: np.random.Generator, plain: bool) -> np.ndarray:
    """Texture, uneven light and the blur of what is out of focus."""
    size = picture.shape[0]
    cells = int(rng.choice([6, 16, 40]))
    grain = fractal(rng, size, (cells, cells), 4) * np.float32(
        0.01 if plain else rng.gamma(2, 0.03)
    )
    tinge = [fractal(rng, size, (4, 4), 3) for _ in range(3)]
    spread = np.float32(0.01 if plain else rng.gamma(2, 0.01))
    picture = picture * (1 + grain[..., None]) + spread * cv2.merge(tinge)
    # One light and one distance leave the colours of a place alike.
    picture = cv2.transform(picture, _faded(rng.uniform(0.25, 1.0)))
    glow = fractal(rng, size, (3, 3), 2) * np.float32(0.08 if plain else 0.15)
    x, y = np.meshgrid(*[np.linspace(-0.5, 0.5, size, dtype=np.float32)] * 2)
    slope = rng.normal(0, 0.35, 2).astype(np.float32)
    picture = picture * (1 + glow + slope[0] * x + slope[1] * y)[..., None]
    blur = 0.0 if rng.random() < 0.3 else rng.gamma(1.3, 0.006)
    return np.clip(soften(picture, min(blur, 0.03) * size), 0, 1).astype(np.float32)


def _faded(vividness: float) -> np.ndarray:
    """Matrix (3, 3) that takes this share of a colour and the rest of its grey."""
    return (vividness * np.eye(3) + (1 - vividness) / 3).astype(np.float32)


def _cover(canvas: Canvas, colour: np.ndarray) -> None:
    canvas.pixels[..., :3] = np.round(np.clip(colour, 0, 1) * 255)


def _studio(canvas: Canvas, rng: np.random.Generator) -> None:
    """One colour, perhaps with a lit spot."""
    colour = any_colour(rng, (0, 0.6), (0.1, 1.0))
    if rng.random() < 0.4:  # paper, from white to black
        colour = np.full(3, rng.uniform(0.05, 1.0)) * rng.normal(1, 0.02, 3)
    _cover(canvas, colour)
    centre = rng.uniform(0.2, 0.8, 2)
    for radius in np.linspace(0.9, 0.05, 30):
        tone = colour * (1 + 0.3 * (0.9 - radius))
        canvas.ellipse(centre, (radius, radius), tone)


def _room(canvas: Canvas, rng: np.random.Generator) -> None:
    """A wall with a skirting, pictures, a door, a lamp."""
    wall = any_colour(rng, (0, 0.4), (0.3, 0.95))
    _cover(canvas, wall)
    corner = rng.uniform(-0.2, 1.2)
    canvas.fill(rectangle(-1, -1, corner, 2), wall * rng.uniform(0.75, 0.95))
    canvas.fill(rectangle(-1, rng.uniform(0.75, 1.2), 2, 2), lure(rng))
    for _ in range(rng.integers(1, 6)):
        left, top = rng.uniform(-0.1, 0.95), rng.uniform(-0.1, 0.5)
        wide, high = rng.uniform(0.08, 0.45, 2)
        _framed(canvas, rng, left, top, left + wide, top + high)


def _framed(
    canvas: Canvas, rng: np.random.Generator, left: float, top: float, right: float, bottom: float
) -> None:
    """A picture, door or mirror with a rim."""
    rim = rng.uniform(0.005, 0.025)
    canvas.fill(rectangle(left, top, right, bottom), lure(rng) * 0.7)
    canvas.fill(rectangle(left + rim, top + rim, right - rim, bottom - rim), any_colour(rng))
    for _ in range(rng.integers(0, 5)):
        centre = rng.uniform((left, top), (right, bottom))
        reach = rng.uniform(0.01, 0.12, 2) * (right - left)
        canvas.ellipse(np.clip(centre, (left + 0.1, top), (right, bottom)), reach, lure(rng))


def _shelf(canvas: Canvas, rng: np.random.Generator) -> None:
    """Rows of books and boxes."""
    wood = hair_colour(rng) if rng.random() < 0.6 else any_colour(rng, (0, 0.3))
    _cover(canvas, wood * 0.4)
    rows = rng.integers(3, 8)
    for row in range(-1, rows + 1):
        floor = (row + 1) / rows
        x = -0.3
        while x < 1.3:
            wide = rng.uniform(0.012, 0.06)
            high = rng.uniform(0.5, 0.9) / rows
            if rng.random() < 0.9:
                colour = lure(rng)
                canvas.fill(rectangle(x, floor - high, x + wide, floor), colour)
                band = floor - high * rng.uniform(0.3, 0.9)
                canvas.fill(rectangle(x, band, x + wide, band + 0.008), colour * 0.5 + 0.3)
            x += wide * rng.uniform(1.0, 1.15)
        canvas.fill(rectangle(-1, floor, 2, floor + 0.02), wood)


def _window(canvas: Canvas, rng: np.random.Generator) -> None:
    """A bright window with something outside, and curtains."""
    _cover(canvas, any_colour(rng, (0, 0.4), (0.15, 0.7)))
    left, right = rng.uniform(-0.3, 0.4), rng.uniform(0.6, 1.3)
    canvas.fill(rectangle(left, -0.2, right, 0.8), any_colour(rng, (0, 0.35), (0.75, 1.0)))
    for _ in range(12):
        centre = rng.uniform((left, 0.35), (right, 0.8))
        canvas.ellipse(centre, rng.uniform(0.03, 0.12, 2), any_colour(rng, (0.1, 0.6), (0.3, 0.8)))
    canvas.fill(rectangle(-1, 0.8, 2, 2), any_colour(rng, (0, 0.5), (0.2, 0.7)))
    bar = any_colour(rng, (0, 0.2), (0.2, 1.0))
    for x in np.linspace(left, right, rng.integers(2, 5)):
        canvas.fill(rectangle(x - 0.012, -0.2, x + 0.012, 0.8), bar)
    canvas.fill(rectangle(left, 0.28, right, 0.3), bar)
    cloth = lure(rng)
    for side, edge in ((-1, left), (1, right)):
        for fold in range(8):
            x = edge + side * fold * 0.03
            tone = cloth * (0.75 + 0.3 * (fold % 2))
            canvas.fill(rectangle(min(x, x + side * 0.03), -1, max(x, x + side * 0.03), 1.5), tone)


def _foliage(canvas: Canvas, rng: np.random.Generator) -> None:
    """Leaves in light and shade, from far to near."""
    base = np.array([rng.uniform(0.15, 0.5), rng.uniform(0.35, 0.6), rng.uniform(0.08, 0.3)])
    if rng.random() < 0.2:
        base = hair_colour(rng) + 0.1  # autumn
    _cover(canvas, base * 0.35)
    for depth in np.linspace(0.3, 1.3, 160):
        centre = rng.uniform(-0.2, 1.2, 2)
        reach = rng.uniform(0.015, 0.07) * np.array([1, rng.uniform(0.3, 1)])
        tone = base * depth * rng.normal(1, 0.12, 3) + 0.12 * (rng.random() < 0.15)
        canvas.ellipse(centre, reach, tone, tilt=rng.uniform(0, 3.1))
    for _ in range(rng.integers(0, 8)):
        root = rng.uniform((-0.1, 0.5), (1.1, 1.2))
        branch = [
            root,
            root + rng.normal(0, 0.2, 2) - (0, 0.3),
            root + rng.normal(0, 0.3, 2) - (0, 0.7),
        ]
        canvas.stroke([spline(branch)], hair_colour(rng), rng.uniform(0.004, 0.03))


def _bricks(canvas: Canvas, rng: np.random.Generator) -> None:
    """Bricks, tiles or planks."""
    joint = any_colour(rng, (0, 0.2), (0.3, 0.9))
    _cover(canvas, joint)
    tone = lure(rng) if rng.random() < 0.5 else np.array([0.6, 0.32, 0.24]) * rng.uniform(0.7, 1.3)
    high = rng.uniform(0.04, 0.16)
    wide = high * rng.choice([1.0, 2.2, 8.0])
    shift = rng.choice([0.0, 0.5])
    spread = rng.uniform(0.03, 0.15)
    gap = 0.06 * high
    for row in range(-2, int(1.3 / high) + 2):
        for column in range(-2, int(1.3 / wide) + 3):
            left, top = (column + shift * (row % 2)) * wide, row * high
            brick = rectangle(left + gap, top + gap, left + wide - gap, top + high - gap)
            canvas.fill(brick, tone * rng.normal(1, spread))


def _lights(canvas: Canvas, rng: np.random.Generator) -> None:
    """Lights far out of focus in the dark."""
    _cover(canvas, any_colour(rng, (0.1, 0.7), (0.03, 0.25)))
    radius = rng.uniform(0.015, 0.06)
    for _ in range(rng.integers(15, 70)):
        centre = rng.uniform(-0.1, 1.1, 2)
        colour = any_colour(rng, (0.1, 0.7), (0.5, 1.0)) * rng.uniform(0.4, 1)
        reach = radius * rng.uniform(0.7, 1.2)
        canvas.ellipse(centre, (reach, reach), colour)
        canvas.ellipse(centre, (reach * 0.85, reach * 0.85), colour * 0.85)


def _street(canvas: Canvas, rng: np.random.Generator) -> None:
    """Houses with windows under the sky."""
    sky = any_colour(rng, (0.05, 0.4), (0.5, 1.0))
    _cover(canvas, sky)
    for depth in range(3):
        x = -0.3
        while x < 1.3:
            wide, top = rng.uniform(0.1, 0.4), rng.uniform(0.0, 0.45) + 0.1 * depth
            wall = 0.75 * lure(rng) + 0.25 * sky if depth < 2 else lure(rng)
            canvas.fill(rectangle(x, top, x + wide, 2), wall)
            pane = wall * 0.5 if rng.random() < 0.7 else np.array([0.95, 0.85, 0.55])
            cell = rng.uniform(0.04, 0.09)
            for row in np.arange(top + cell / 2, 1.2, cell * 1.4):
                for left in np.arange(x + cell / 2, x + wide - cell / 2, cell * 1.2):
                    glass = rectangle(left, row, left + cell * 0.6, row + cell * 0.8)
                    canvas.fill(glass, pane * rng.uniform(0.85, 1.1))
            x += wide
    canvas.fill(rectangle(-1, rng.uniform(0.8, 1.1), 2, 2), any_colour(rng, (0, 0.3), (0.2, 0.6)))


def _landscape(canvas: Canvas, rng: np.random.Generator) -> None:
    """Sky with clouds, hills, ground or water."""
    sky = np.array([rng.uniform(0.4, 0.8), rng.uniform(0.55, 0.85), rng.uniform(0.75, 1.0)])
    for y in np.linspace(-0.6, 1.2, 40):
        canvas.fill(rectangle(-1, y, 2, 2), sky * (0.85 + 0.25 * y))
    for _ in range(rng.integers(0, 9)):
        centre = rng.uniform((-0.1, -0.1), (1.1, 0.5))
        for _ in range(6):
            puff = centre + rng.normal(0, (0.06, 0.015))
            canvas.ellipse(puff, rng.uniform((0.04, 0.02), (0.12, 0.05)), sky * 0.3 + 0.7)
    for depth in np.linspace(0.3, 0.9, rng.integers(2, 6)):
        x = np.linspace(-0.3, 1.3, 9)
        crest = spline(np.stack([x, depth + rng.normal(0, 0.06, 9)], axis=1))
        ground = any_colour(rng, (0.1, 0.5), (0.2, 0.7)) * (0, 0.3, 0) + lure(rng) * 0.7
        canvas.fill(np.concatenate([crest, [(1.3, 2), (-0.3, 2)]]), ground)


def _shapes(canvas: Canvas, rng: np.random.Generator) -> None:
    """A poster of random shapes."""
    _cover(canvas, lure(rng))
    for _ in range(rng.integers(8, 50)):
        centre, reach = rng.uniform(-0.1, 1.1, 2), rng.gamma(2, 0.05)
        draw = rng.random()
        if draw < 0.35:
            canvas.ellipse(centre, reach * rng.uniform(0.3, 1, 2), lure(rng), rng.uniform(0, 3))
        elif draw < 0.7:
            canvas.fill(centre + rng.normal(0, reach, (rng.integers(3, 6), 2)), lure(rng))
        else:
            line = spline(centre + np.cumsum(rng.normal(0, reach, (4, 2)), axis=0))
            canvas.stroke([line], lure(rng), rng.uniform(0.003, 0.04))


def _heap(canvas: Canvas, rng: np.random.Generator) -> None:
    """Things of every size on top of each other: what natural pictures are made of."""
    tones = [lure(rng) for _ in range(rng.integers(3, 9))]
    _cover(canvas, tones[0])
    grounds = 0.012 / np.sqrt(rng.uniform(0.002, 1, 260))  # the area of each size is alike
    for reach in rng.permutation(grounds):
        centre = rng.uniform(-0.05, 1.05, 2)
        colour = tones[rng.integers(len(tones))] * rng.uniform(0.5, 1.4) + rng.normal(0, 0.04, 3)
        if rng.random() < 0.5:
            canvas.ellipse(centre, reach * rng.uniform(0.3, 1.3, 2), colour, rng.uniform(0, 3))
        else:
            canvas.fill(centre + reach * rng.normal(0, 1, (4, 2)), colour)


_PAINTERS: list[Painter] = [
    _studio, _room, _shelf, _window, _foliage, _bricks, _lights, _street, _landscape, _shapes,
    _heap,
]  # fmt: skip
_SHARES = np.array([18, 20, 11, 10, 13, 9, 6, 9, 8, 5, 10], float)
