"""What stands about in front of a background: passers-by, signs, things."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import Canvas, ellipse, rectangle
from mmnet_deploy.portraits.synthetic.palette import any_colour, hair_colour, lure, skin_colour


def draw_clutter(canvas: Canvas, rng: np.random.Generator) -> None:
    """Up to two of them, on the unit square."""
    for _ in range(rng.integers(0, 3)):
        _KINDS[rng.integers(len(_KINDS))](canvas, rng)


def _people(canvas: Canvas, rng: np.random.Generator) -> None:
    """Passers-by further back: head, hair and body, of which none counts as the person."""
    for _ in range(rng.integers(1, 5)):
        x, y, r = rng.uniform(-0.05, 1.05), rng.uniform(0.25, 0.55), rng.uniform(0.012, 0.04)
        skin, dark, cloth = skin_colour(rng), hair_colour(rng), any_colour(rng)
        canvas.ellipse((x, y - 0.2 * r), (r * 0.92, r * 1.1), dark)
        body = [(-1, 1.5), (1, 1.5), (2.1, 2.2), (2.3, 7), (-2.3, 7), (-2.1, 2.2)]
        canvas.fill(np.array(body) * r + (x, y), cloth)
        canvas.fill(rectangle(x - 0.35 * r, y, x + 0.35 * r, y + 1.6 * r), skin * 0.85)
        canvas.ellipse((x, y + 0.15 * r), (r * 0.75, r), skin)


def _writing(canvas: Canvas, rng: np.random.Generator) -> None:
    """A sign with rows of letter-like strokes."""
    left, top = rng.uniform(-0.1, 0.8), rng.uniform(-0.05, 0.6)
    wide, rows, high = rng.uniform(0.2, 0.7), rng.integers(1, 5), rng.uniform(0.03, 0.12)
    paper, ink = any_colour(rng), any_colour(rng, value=(0.0, 1.0))
    canvas.fill(rectangle(left, top, left + wide, top + rows * high * 1.4), paper)
    for row in range(rows):
        for x in np.arange(left + 0.3 * high, left + wide - 0.7 * high, 0.7 * high):
            letter = rng.choice([0, 0.25, 0.5], (4, 2)) * (1, 1.8) * high
            place = (x, top + (row + 0.25) * high * 1.35)
            canvas.stroke([letter + place], ink, 0.12 * high)


def _things(canvas: Canvas, rng: np.random.Generator) -> None:
    """Blobs, poles and balls in the colours of skin, hair and all else."""
    for _ in range(rng.integers(1, 7)):
        centre, reach = rng.uniform(-0.05, 1.05, 2), rng.uniform(0.02, 0.16)
        colour = lure(rng)
        draw = rng.random()
        if draw < 0.4:
            wobble = 1 + 0.25 * np.sin(np.linspace(0, 2 * np.pi, 40) * 3 + rng.uniform(0, 6))
            blob = ellipse((0, 0), (reach, reach * rng.uniform(0.6, 1.6))) * wobble[:, None]
            canvas.fill(blob + centre, colour)
            canvas.fill(blob * 0.6 + centre - 0.2 * reach, colour * 1.15)
        elif draw < 0.7:
            canvas.fill(rectangle(centre[0], -1, centre[0] + 0.4 * reach, 2), colour)
            canvas.fill(rectangle(centre[0], -1, centre[0] + 0.1 * reach, 2), colour * 1.2)
        else:
            locks = rng.normal(0, 0.3 * reach, (50, 4, 2)) + np.linspace(0, reach, 4)[None, :, None]
            canvas.stroke(locks + centre, colour, 0.004)  # a tangle, much like hair


_KINDS = (_people, _writing, _things)
