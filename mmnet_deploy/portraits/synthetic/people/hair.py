"""Hair as many single strands, so that its outline is truly soft."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import Canvas, spline
from mmnet_deploy.portraits.synthetic.people.face import aside
from mmnet_deploy.portraits.synthetic.people.person import Face, Hair
from mmnet_deploy.portraits.synthetic.people.strands import (
    combed,
    curtain,
    hairline,
    hold,
    paint,
    polar,
    skull,
    wobble,
)

_COMBED = ("bob", "long")
_PULLED = ("bun", "tail")


def draw_back(canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face) -> None:
    """What hangs behind neck and shoulders, in the head's frame."""
    if hair.style in _COMBED:
        canvas.fill(curtain(hair, face, -0.92, 0.92, hair.length * 0.92), hair.colour * 0.5)
        paint(canvas, rng, combed(rng, 260, hair, face, (-1.03, 1.03), hair.length), hair, 0.7)
    elif hair.style == "tail":
        side = np.sign(hair.part) or 1.0
        ends = np.linspace(0, 1, 14)
        lines = []
        for _ in range(220):
            offset = rng.normal(0, 0.11)
            x = side * (0.55 + 0.45 * np.sin(ends * 2.2)) + offset * (1 + ends)
            y = -0.5 + ends * (hair.length + 0.3) * rng.normal(1, 0.06)
            lines.append(np.stack([x + wobble(rng, hair, ends), y], axis=1))
        canvas.stroke(lines[:140], hair.colour * 0.7, 0.07)
        paint(canvas, rng, np.array(lines), hair, 0.85)
    elif hair.style == "bun":
        centre = np.array([0.25 * hair.part, -1.15 - 0.2 * hair.wildness])
        radius = 0.3 + 0.1 * hair.part**2
        canvas.ellipse(centre, (radius * 1.1, radius), hair.colour * 0.6)
        angle = rng.uniform(0, 2 * np.pi, 110)[:, None] + np.linspace(0, 1.6, 9)
        reach = radius * (
            np.sqrt(rng.uniform(0.05, 1.1, 110))[:, None] + rng.normal(0, 0.04, (110, 9))
        )
        paint(canvas, rng, centre + polar(reach * 1.1, angle), hair, 1.0)


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
            if not _before(yaw, low):
                canvas.fill(curtain(hair, face, low, high * 0.98, end * 0.9), hair.colour * 0.6)
        parts = [combed(rng, 130, hair, face, ends, end) for ends in ((-1.02, -0.74), (0.74, 1.02))]
        kept = [part for part, at in zip(parts, (-1, 1), strict=True) if not _before(yaw, at)]
        sides = np.concatenate(kept)
        paint(canvas, rng, sides + np.array([0.12 * yaw, 0]), hair, 1.0)
        if hair.fringe > -1:
            lines = combed(rng, 220, hair, face, (-0.85, 0.85), hair.fringe)
            paint(canvas, rng, lines + np.array([0.3 * yaw, 0]), hair, 1.0, width=0.02)


def _before(yaw: float, side: float) -> bool:
    """Whether hair of that side would hang before a face that looks aside."""
    return bool(aside(yaw) and side * yaw > 0)


def draw_side(canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face, yaw: float) -> None:
    """What covers the side of a head that looks aside, behind the ear; `yaw` beyond 0.5."""
    if hair.style == "bald":
        return
    way, bulge, width = np.sign(yaw), 0.85 * hair.volume, face.width
    ear = -np.sin(1.45 - abs(yaw))
    if hair.style in _COMBED:
        for tone, count in ((0.65, 160), (1.0, 260)):
            lines = combed(rng, count, hair, face, (-1.0, ear + 0.1), hair.length) * (way, 1)
            paint(canvas, rng, lines, hair, tone, width=0.02)
        return
    # From the forehead over the temple and around the ear to the neck; then up behind.
    before = spline(
        [(ear + 0.5, -0.68), (ear + 0.3, -0.35), (ear + 0.12, -0.1), (ear - 0.1, 0.25),
         (ear - 0.3, 0.52)]
    )  # fmt: skip
    behind = spline(
        [(-0.2, -1.0 - bulge), (-0.75, -0.88 - 0.7 * bulge), (-1.06 - bulge, -0.4),
         (-1.06 - bulge, 0.15), (-0.85, 0.6)]
    )  # fmt: skip
    before, behind = before * (way * width, 1), behind * (way * width, 1)
    canvas.fill(np.concatenate([before, behind[::-1]]), hair.colour * 0.68)
    count = 420
    share = rng.random((count, 1))
    place = rng.integers(0, len(before), count)
    roots = before[place] * (1 - share) + behind[place] * share
    way = -way
    t = np.linspace(0, 1, 6)[None, :, None]
    if hair.style in _PULLED:
        goal = np.array([way * 0.9, -0.75])
        lines = roots[:, None] * (1 - 0.6 * t) + 0.6 * t * goal
    elif hair.style in ("curly", "afro"):
        spin = rng.uniform(0, 2 * np.pi, (count, 1)) + np.linspace(0, 6, 6)
        lines = roots[:, None] + polar(rng.uniform(0.03, 0.08, (count, 1)), spin)
    else:
        reach = 0.05 if hair.style == "buzz" else 0.22
        lines = roots[:, None] + t * np.array([way * reach, reach])
        lines = lines + rng.normal(0, 0.02, (count, 1, 2)) * t
    paint(canvas, rng, lines, hair, 1.0, width=0.016)


def draw_from_behind(canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face) -> None:
    """The back of the head with all that hangs from it, in the head's frame."""
    if hair.style == "bald":
        return
    round_head = np.linspace(0, 2 * np.pi, 60)
    low = np.clip(-np.sin(round_head), 0, None)
    outer = skull(face, round_head, np.full(60, 0.85 * hair.volume)) * (1, 0.97)
    canvas.fill(outer * np.stack([1 - 0.2 * low, 1 - 0.1 * low], axis=1), hair.colour * 0.7)
    if hair.style in _COMBED:
        canvas.fill(curtain(hair, face, -0.95, 0.95, hair.length * 0.92), hair.colour * 0.62)
        paint(canvas, rng, combed(rng, 500, hair, face, (-1.02, 1.02), hair.length), hair, 1.0)
        return
    count = 600
    place = rng.uniform(0, 2 * np.pi, count)
    depth = np.sqrt(rng.uniform(0, 1.0, count))[:, None]
    below = np.clip(-np.sin(place), 0, None)[:, None]
    roots = skull(face, place, np.full(count, 0.8 * hair.volume)) * depth * (1 - 0.12 * below)
    t = np.linspace(0, 1, 6)[None, :, None]
    if hair.style in _PULLED:
        goal = np.array([0.25 * hair.part, -1.0 if hair.style == "bun" else -0.5])
        lines = roots[:, None] * (1 - t) + t * goal
    elif hair.style in ("curly", "afro"):
        spin = rng.uniform(0, 2 * np.pi, (count, 1)) + np.linspace(0, 6, 6)
        lines = roots[:, None] + polar(rng.uniform(0.03, 0.08, (count, 1)), spin)
    else:
        fall = np.array([0.0, 0.05 if hair.style == "buzz" else 0.28])
        lines = roots[:, None] + t * (fall + 0.12 * roots)[:, None]
        lines = lines + rng.normal(0, 0.02, (count, 1, 2)) * t
    paint(canvas, rng, lines, hair, 1.0, width=0.016)


def draw_wisps(
    canvas: Canvas, rng: np.random.Generator, hair: Hair, face: Face, covered: bool
) -> None:
    """Single hairs that stand off the rest; meant to be drawn half transparent."""
    if hair.style == "bald" or (covered and hair.style not in _COMBED):
        return
    count = int(8 + 50 * hair.wildness)
    if hair.style in _COMBED:
        lines = combed(rng, 2 * count, hair, face, (0.85, 1.05), hair.length)
        # The further from the rest, the fewer; to the left and to the right alike.
        off = rng.choice([-1, 1], len(lines)) * (1 + rng.exponential(0.04, len(lines)))
        lines = lines * np.stack([off, np.abs(off) ** 0.3], 1)[:, None]
        paint(canvas, rng, lines[:, 7:] if covered else lines, hair, 1.1, 0)
    if not covered and hair.style != "buzz":
        place = rng.uniform(-0.1, np.pi + 0.1, count)
        length = rng.gamma(2.0, 0.03 + 0.04 * hair.wildness, count)
        t = np.linspace(0, 1, 10)
        turn = rng.normal(0, 0.25, count)[:, None] * t**1.5
        bend = hair.wave * np.sin(rng.uniform(3, 9, count)[:, None] * t + place[:, None] * 9)
        radius = 1 - 0.12 * rng.random(count)[:, None] + (length[:, None] * t + bend * t)
        shape = np.array([face.width * (1 + hair.volume), 1 + hair.volume])
        paint(canvas, rng, polar(radius, -(place[:, None] + turn)) * shape, hair, 1.1, 0)


def draw_beard(
    canvas: Canvas, rng: np.random.Generator, face: Face, colour: np.ndarray, yaw: float
) -> None:
    """Short strokes on the lower face, over a darker ground, in the head's frame."""
    if face.beard in ("full", "goatee"):
        ends = (0.1, np.pi - 0.1) if face.beard == "full" else (1.05, np.pi - 1.05)
        place = np.linspace(*ends, 30)
        shape = [face.width * np.cos(place) * (1 - face.jaw * np.sin(place) ** 2), np.sin(place)]
        edge = np.stack(shape, axis=1)
        inner = edge * np.where(np.abs(edge[:, :1]) < 0.35, 0.72, 0.76)
        ground = np.concatenate([edge * (1.0, 1 + 0.7 * face.beard_length), inner[::-1]])
        ground[:, 0] += face.width * np.sin(yaw) * (1 - np.abs(ground[:, 0]) / face.width).clip(0)
        canvas.fill(ground, colour * 0.8)
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
    if aside(yaw):
        place = place[(np.sin(place) > 0.5) | (np.cos(place) * yaw < 0)]
        halves = [place[np.sin(place) < 0.3]] if covered else [place]
    curled = hair.style in ("curly", "afro")
    lumps = 0.12 * hair.volume * np.sin(place * 9 + hair.part * 20) * (hair.style != "buzz")
    for half in halves:
        bulge = 0.85 * hair.volume + np.interp(half, place, lumps)
        outer = skull(face, half, bulge)
        canvas.fill(
            np.concatenate([outer, hairline(hair, face, half, yaw)[::-1]]),
            hair.colour * (0.85 if curled else 0.62),
        )
    if hair.style in _COMBED:
        if not covered:
            lines = combed(rng, 260, hair, face, (-0.95, 0.95), -0.97 * hair.hairline)
            paint(canvas, rng, np.add(lines, (0.2 * yaw, 0)), hair, 1.0)
        return
    # Seen from near, more strands are told apart.
    near = float(np.clip(canvas.frame.scale[1] / canvas.size / 0.22, 1, 2))
    count = int(near * {"afro": 800, "curly": 700, "buzz": 500}.get(hair.style, 420))
    root_place = rng.uniform(place.min(), place.max(), count)
    if covered and aside(yaw):
        root_place = root_place[np.cos(root_place) * yaw < 0]
    if covered:
        root_place = root_place[np.sin(root_place) < 0.3]
    depth = np.sqrt(rng.uniform(0, 1, len(root_place)))[:, None]
    inner = hairline(hair, face, root_place, yaw)
    outer = skull(face, root_place, np.full(len(root_place), hair.volume * 0.85))
    roots = inner * (1 - depth) + outer * depth
    away = polar(np.ones(len(root_place)), -root_place)
    t = np.linspace(0, 1, 9)[None, :, None]
    if hair.style in _PULLED:
        crown = np.array([0.2 * hair.part, -1.02])
        lines = inner[:, None] * (1 - t) + t * (0.55 * crown + 0.45 * outer)[:, None]
        lines = lines + away[:, None] * 0.12 * np.sin(np.pi * t)
    elif curled:
        spin = rng.uniform(0, 2 * np.pi, (len(roots), 1)) + rng.choice([-1, 1], (len(roots), 1)) * (
            np.linspace(0, rng.uniform(4, 9), 9)
        )
        curl = rng.uniform(0.03, 0.08, (len(roots), 1))
        lines = roots[:, None] + polar(curl, spin) + away[:, None] * t * 0.12 * hair.volume
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
            lines = hold(lines, face, hair.volume * 1.05)
    paint(canvas, rng, lines, hair, 1.0, width=0.03 if hair.style == "afro" else 0.014)
