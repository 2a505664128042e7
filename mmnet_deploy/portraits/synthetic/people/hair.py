"""Hair as many single strands, so that its outline is truly soft."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import Canvas
from mmnet_deploy.portraits.synthetic.people.person import Face, Hair

_COMBED = ("bob", "long")
_PULLED = ("bun", "tail")


def draw_back(canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face) -> None:
    """What hangs behind neck and shoulders, in the head's frame."""
    if hair.style in _COMBED:
        canvas.fill(_curtain(hair, face, -0.92, 0.92, hair.length * 0.92), hair.colour * 0.5)
        _paint(canvas, rng, _combed(rng, 260, hair, face, (-1.03, 1.03), hair.length), hair, 0.7)
    elif hair.style == "tail":
        side = np.sign(hair.part) or 1.0
        ends = np.linspace(0, 1, 14)
        lines = []
        for _ in range(120):
            offset = rng.normal(0, 0.1)
            x = side * (0.55 + 0.45 * np.sin(ends * 2.2)) + offset * (1 + ends)
            y = -0.5 + ends * (hair.length + 0.3) * rng.normal(1, 0.06)
            lines.append(np.stack([x + _wobble(rng, hair, ends), y], axis=1))
        canvas.stroke(lines[:60], hair.colour * 0.6, 0.06)
        _paint(canvas, rng, np.array(lines), hair, 0.85)
    elif hair.style == "bun":
        centre = np.array([0.25 * hair.part, -1.15 - 0.2 * hair.wildness])
        radius = 0.3 + 0.1 * hair.part**2
        canvas.ellipse(centre, (radius * 1.1, radius), hair.colour * 0.6)
        angle = rng.uniform(0, 2 * np.pi, 110)[:, None] + np.linspace(0, 1.6, 9)
        reach = radius * (
            np.sqrt(rng.uniform(0.05, 1.1, 110))[:, None] + rng.normal(0, 0.04, (110, 9))
        )
        _paint(canvas, rng, centre + _polar(reach * 1.1, angle), hair, 1.0)


def draw_front(
    canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face, yaw: float, covered: bool
) -> None:
    """What lies on the head and falls in front of the shoulders, in the head's frame.

    Args: `covered` tells that a hat leaves nothing of the crown to see.
    """
    if hair.style == "bald":
        return
    _crown(canvas, rng, hair, face, yaw, covered)
    if hair.style in _COMBED:
        end = hair.length if hair.in_front or hair.style == "bob" else min(hair.length, 1.0)
        for low, high in ((-1.0, -0.78), (0.78, 1.0)):
            canvas.fill(_curtain(hair, face, low, high * 0.98, end * 0.9), hair.colour * 0.6)
        sides = np.concatenate(
            [
                _combed(rng, 130, hair, face, (-1.02, -0.74), end),
                _combed(rng, 130, hair, face, (0.74, 1.02), end),
            ]
        )
        _paint(canvas, rng, sides + np.array([0.12 * yaw, 0]), hair, 1.0)
        if hair.fringe > -1:
            lines = _combed(rng, 220, hair, face, (-0.85, 0.85), hair.fringe)
            _paint(canvas, rng, lines + np.array([0.3 * yaw, 0]), hair, 1.0, width=0.02)


def draw_from_behind(canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face) -> None:
    """The back of the head with all that hangs from it, in the head's frame."""
    if hair.style == "bald":
        return
    round_head = np.linspace(0, 2 * np.pi, 60)
    low = np.clip(-np.sin(round_head), 0, None)
    outer = _skull(face, round_head, np.full(60, 0.85 * hair.volume)) * (1, 0.97)
    canvas.fill(outer * np.stack([1 - 0.2 * low, 1 - 0.1 * low], axis=1), hair.colour * 0.7)
    if hair.style in _COMBED:
        canvas.fill(_curtain(hair, face, -0.95, 0.95, hair.length * 0.92), hair.colour * 0.62)
        _paint(canvas, rng, _combed(rng, 500, hair, face, (-1.02, 1.02), hair.length), hair, 1.0)
        return
    count = 600
    place = rng.uniform(0, 2 * np.pi, count)
    depth = np.sqrt(rng.uniform(0, 1.0, count))[:, None]
    below = np.clip(-np.sin(place), 0, None)[:, None]
    roots = _skull(face, place, np.full(count, 0.8 * hair.volume)) * depth * (1 - 0.12 * below)
    t = np.linspace(0, 1, 6)[None, :, None]
    if hair.style in _PULLED:
        goal = np.array([0.25 * hair.part, -1.0 if hair.style == "bun" else -0.5])
        lines = roots[:, None] * (1 - t) + t * goal
    elif hair.style in ("curly", "afro"):
        spin = rng.uniform(0, 2 * np.pi, (count, 1)) + np.linspace(0, 6, 6)
        lines = roots[:, None] + _polar(rng.uniform(0.03, 0.08, (count, 1)), spin)
    else:
        fall = np.array([0.0, 0.05 if hair.style == "buzz" else 0.28])
        lines = roots[:, None] + t * (fall + 0.12 * roots)[:, None]
        lines = lines + rng.normal(0, 0.02, (count, 1, 2)) * t
    _paint(canvas, rng, lines, hair, 1.0, width=0.016)


def draw_wisps(
    canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face, covered: bool
) -> None:
    """Single hairs that stand off the rest; meant to be drawn half transparent."""
    if hair.style == "bald" or (covered and hair.style not in _COMBED):
        return
    count = int(8 + 50 * hair.wildness)
    if hair.style in _COMBED:
        lines = _combed(rng, 2 * count, hair, face, (0.85, 1.05), hair.length)
        # The further from the rest, the fewer; to the left and to the right alike.
        off = rng.choice([-1, 1], len(lines)) * (1 + rng.exponential(0.04, len(lines)))
        lines = lines * np.stack([off, np.abs(off) ** 0.3], 1)[:, None]
        _paint(canvas, rng, lines[:, 7:] if covered else lines, hair, 1.1, 0)
    if not covered and hair.style != "buzz":
        place = rng.uniform(-0.1, np.pi + 0.1, count)
        length = rng.gamma(2.0, 0.03 + 0.04 * hair.wildness, count)
        t = np.linspace(0, 1, 10)
        turn = rng.normal(0, 0.25, count)[:, None] * t**1.5
        bend = hair.wave * np.sin(rng.uniform(3, 9, count)[:, None] * t + place[:, None] * 9)
        radius = 1 - 0.12 * rng.random(count)[:, None] + (length[:, None] * t + bend * t)
        shape = np.array([face.width * (1 + hair.volume), 1 + hair.volume])
        _paint(canvas, rng, _polar(radius, -(place[:, None] + turn)) * shape, hair, 1.1, 0)


def draw_beard(
    canvas: Canvas, rng: np.random.Generator, face: Face, colour: np.ndarray, yaw: float
) -> None:
    """Short strokes on the lower face, in the head's frame."""
    count = {"stubble": 500, "full": 900, "goatee": 400, "moustache": 260}[face.beard]
    length = 0.03 if face.beard == "stubble" else face.beard_length
    angle = rng.uniform(0.02, np.pi - 0.02, count)
    depth = rng.uniform(0.62, 1.0, count)
    if face.beard == "goatee":
        angle = rng.uniform(1.1, np.pi - 1.1, count)
    if face.beard == "moustache":
        x = rng.normal(0, 0.15, count)
        roots = np.stack([x, 0.47 + 0.25 * x**2 + rng.normal(0, 0.02, count)], axis=1)
        fall = np.stack([np.sign(x) * 0.1, np.full(count, 0.05)], axis=1)
    else:
        jaw = 1 - face.jaw * np.sin(angle) ** 2
        roots = np.stack([face.width * np.cos(angle) * jaw * depth, np.sin(angle) * depth], axis=1)
        lip = (np.abs(roots[:, 0]) < 0.3) & (np.abs(roots[:, 1] - 0.63) < 0.09)
        roots = roots[~lip & (roots[:, 1] > 0.12)]
        fall = roots * (0.1, 0.5) * length * 2 + rng.normal(0, 0.012, roots.shape)
    t = np.linspace(0, 1, 4)[None, :, None]
    tips = fall * rng.uniform(0.4, 1.2, (len(fall), 1))
    lines = roots[:, None] + tips[:, None] * t + rng.normal(0, 0.006, (len(roots), 4, 2))
    lines[..., 0] += face.width * np.sin(yaw) * (1 - np.abs(lines[..., 0]) / face.width).clip(0)
    tones = 0.55 + 0.6 * rng.random(6)
    for tone, group in zip(tones, np.array_split(lines, 6), strict=True):
        canvas.stroke(group, colour * tone, 0.0 if face.beard == "stubble" else 0.018)


def _crown(
    canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face, yaw: float, covered: bool
) -> None:
    """The hair that grows on the skull: a solid cap with a fringe of strands."""
    low = 0.25 if hair.style in ("short", "spiky", "curly", "buzz") else 0.1
    place = np.linspace(-low, np.pi + low, 60)
    if covered:
        place = place[np.sin(place) < 0.3]
        halves = [place[place < np.pi / 2], place[place > np.pi / 2]]
    else:
        halves = [place]
    lumps = 0.12 * hair.volume * np.sin(place * 9 + hair.part * 20) * (hair.style != "buzz")
    for half in halves:
        bulge = 0.85 * hair.volume + np.interp(half, place, lumps)
        outer = _skull(face, half, bulge)
        canvas.fill(
            np.concatenate([outer, _hairline(hair, face, half, yaw)[::-1]]), hair.colour * 0.62
        )
    if hair.style in _COMBED:
        if not covered:
            lines = _combed(rng, 260, hair, face, (-0.95, 0.95), -0.97 * hair.hairline)
            _paint(canvas, rng, np.add(lines, (0.2 * yaw, 0)), hair, 1.0)
        return
    count = {"afro": 700, "curly": 560, "buzz": 500}.get(hair.style, 420)
    root_place = rng.uniform(place.min(), place.max(), count)
    if covered:
        root_place = root_place[np.sin(root_place) < 0.3]
    depth = np.sqrt(rng.uniform(0, 1, len(root_place)))[:, None]
    inner = _hairline(hair, face, root_place, yaw)
    outer = _skull(face, root_place, np.full(len(root_place), hair.volume * 0.85))
    roots = inner * (1 - depth) + outer * depth
    away = _polar(np.ones(len(root_place)), -root_place)
    t = np.linspace(0, 1, 9)[None, :, None]
    if hair.style in _PULLED:
        crown = np.array([0.2 * hair.part, -1.02])
        lines = inner[:, None] * (1 - t) + t * (0.55 * crown + 0.45 * outer)[:, None]
        lines = lines + away[:, None] * 0.12 * np.sin(np.pi * t)
    elif hair.style in ("curly", "afro"):
        spin = rng.uniform(0, 2 * np.pi, (len(roots), 1)) + rng.choice([-1, 1], (len(roots), 1)) * (
            np.linspace(0, rng.uniform(4, 9), 9)
        )
        curl = rng.uniform(0.03, 0.08, (len(roots), 1))
        lines = roots[:, None] + _polar(curl, spin) + away[:, None] * t * 0.12 * hair.volume
    else:
        along = np.stack([np.full(len(roots), hair.parting), 0.15 + 0 * root_place], axis=1)
        sweep = {"buzz": 0.15, "spiky": 0.35}.get(hair.style, 1.0)
        fall = np.stack([np.cos(root_place) * 0.7, np.full(len(roots), 0.45)], axis=1)
        course = away * (0.8 if hair.style == "spiky" else 0.25) + sweep * (
            0.45 * along + 0.5 * fall
        )
        reach = {"buzz": 0.05, "spiky": 0.2}.get(hair.style, 0.36) * rng.uniform(
            0.5, 1.2, len(roots)
        )
        # Strands near the outline are held close to it, those of the forehead lie flat.
        lines = roots[:, None] + (course * reach[:, None])[:, None] * t * (1 - 0.3 * t)
        lines[..., 1] += 0.12 * (t[..., 0] ** 2) * reach[:, None]
        lines = lines + rng.normal(0, 0.02, (len(roots), 1, 2)) * t
        if hair.style == "short":
            lines = _hold(lines, face, hair.volume * 1.05)
    _paint(canvas, rng, lines, hair, 1.0, width=0.03 if hair.style == "afro" else 0.014)


def _hold(lines: np.ndarray, face: Face, volume: float) -> np.ndarray:
    """Keep strands from leaving the upper head by more than `volume`."""
    shape = np.array([face.width * (1 + volume), 1 + volume])
    radius = np.linalg.norm(lines / shape, axis=-1, keepdims=True)
    return np.where(radius > 1, lines / radius**0.8, lines)


def _skull(face: Face, place: np.ndarray, bulge: np.ndarray) -> np.ndarray:
    """Points on the head's outline moved out by `bulge`; `place` runs from ear to ear."""
    return _polar(np.ones(len(place)), -place) * np.stack(
        [face.width * (1 + bulge), 1 + bulge], axis=1
    )


def _hairline(hair: Hair, face: Face, place: np.ndarray, yaw: float) -> np.ndarray:
    """Where forehead and temples end, for the same `place` as in `_skull`."""
    cos, sin = np.cos(place), np.sin(place)
    x = 0.94 * np.sign(cos) * np.abs(cos) ** 0.78
    x = np.sin(np.arcsin(np.clip(x, -0.95, 0.95)) + 0.8 * yaw * np.clip(sin, 0, 1))
    y = np.where(sin > 0, -hair.hairline * np.abs(sin) ** 0.9, -sin * 1.2)
    y = y + 0.08 * hair.part * np.cos(place * 3)
    return np.stack([face.width * x, y], axis=1)


def _half_width(hair: Hair, face: Face, y: np.ndarray) -> np.ndarray:
    """How far combed hair reaches to either side at height `y`."""
    top = 1 + hair.volume
    dome = np.sqrt(np.clip(1 - (np.minimum(y, 0) / top) ** 2, 0, 1))
    hang = 1 + 0.18 * np.sin(np.clip(y, 0, None) * 1.1) * (hair.volume / 0.2)
    return face.width * (1 + 1.15 * hair.volume) * dome * hang


def _combed(
    rng: np.random.Generator,
    count: int,
    hair: Hair,
    face: Face,
    sides: tuple[float, float],
    end: float,
) -> np.ndarray:
    """Strands that fall from the parting, (count, 16, 2).

    Args:
        sides: Which part of the width they cover, -1 (left outline) to 1 (right outline).
        end: Height at which they end, about.
    """
    side = rng.uniform(*sides, count)[:, None]
    t = np.linspace(0, 1, 16)[None, :]
    top = -(1 + hair.volume) * (1 - 0.08 * rng.random((count, 1)) ** 2)
    bottom = end + 0.07 * (abs(end) + 0.3) * rng.normal(0, 1, (count, 1))
    y = top + (bottom - top) * t**1.7
    parted = hair.part * 0.8 * np.clip(y / top, 0, 1) ** 2
    x = side * _half_width(hair, face, y) + parted
    locks = np.round(side * 7)  # neighbours wave together
    phase = locks * 2.4 + hair.part * 10 + rng.normal(0, 0.35, (count, 1))
    x = x + hair.wave * np.clip((y + 0.7) / 1.2, 0, 1) * np.sin(4.5 * y + phase)
    x = x + rng.normal(0, 0.03, (count, 1)) * t**2
    return np.stack([x, y], axis=2)


def _curtain(hair: Hair, face: Face, low: float, high: float, end: float) -> np.ndarray:
    """Outline of combed hair between two `sides` of `_combed`."""
    y = np.linspace(-(1 + hair.volume) * 0.98, end, 24)
    width = _half_width(hair, face, y)
    parted = hair.part * 0.8 * np.clip(y / y[0], 0, 1) ** 2
    left = np.stack([low * width + parted, y], axis=1)
    right = np.stack([high * width + parted, y], axis=1)
    return np.concatenate([left, right[::-1]])


def _paint(
    canvas: Canvas,
    rng: np.random.Generator,
    lines: np.ndarray,
    hair: Hair,
    brightness: float,
    width: float = 0.012,
) -> None:
    """Stroke strands in several tones; the groups overlap at random."""
    tones = brightness * np.array([0.68, 0.8, 0.9, 1.0, 1.1, 1.25])
    for tone, group in zip(rng.permutation(tones), np.array_split(lines, 6), strict=True):
        if len(group):
            canvas.stroke(group, hair.colour * tone + 0.012 * tone, width)


def _wobble(rng: np.random.Generator, hair: Hair, t: np.ndarray) -> np.ndarray:
    return hair.wave * t * np.sin(8 * t + rng.normal(0, 0.4))


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
