"""Draws what a person wears on the body: cloth, neckline, collar and jacket."""

from __future__ import annotations

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import (
    Canvas,
    Frame,
    brighten,
    ellipse,
    fractal,
    over,
    rectangle,
    soften,
    spline,
)
from mmnet_deploy.portraits.synthetic.people.body import (
    arm,
    arm_outline,
    hand,
    legs,
    skirt,
    trunk,
)
from mmnet_deploy.portraits.synthetic.people.lighting import LitPicture
from mmnet_deploy.portraits.synthetic.people.person import Clothes, Person, Pose


def _opening(kind: str, neck: float, shift: float) -> np.ndarray:
    """Where skin shows below the neck, in the body's frame."""
    if kind in ("vee", "collar", "jacket"):
        depth = 2.1 if kind == "vee" else 1.75
        return np.array([(-neck * 1.02, 0.9), (neck * 1.02, 0.9), (shift, depth)])
    deep = {"scoop": 0.75, "straps": 0.9, "turtleneck": 0.0}.get(kind, 0.25)
    wide = {"scoop": 1.35, "straps": 1.35}.get(kind, 1.1)
    low = ellipse((0.7 * shift, 1.16), (neck * wide, deep))[:21]  # its lower half
    return np.concatenate([low, [(0.7 * shift - neck, 0.9), (0.7 * shift + neck, 0.9)]])


def dress(picture: LitPicture, person: Person, body: Frame, rng: np.random.Generator) -> np.ndarray:
    """Legs where they are seen, trunk, neck, collar and arms, but for one that is raised.

    Returns:
        The colours of sleeves at every pixel, float32 (size, size, 3).
    """
    clothes, pose, size = person.clothes, person.pose, picture.pixels.shape[0]
    if body.centre[1] + 6.5 * body.scale[1] < 1.1 * size:
        _draw_legs(picture, person, body)
    weave = _weave(clothes, body, rng, size, pose.unit)
    skin = picture.on_body(person.face.skin)
    neck, shift = clothes.neck, pose.body_shift
    cloth = Canvas(size, body)
    if clothes.kind == "hoodie":
        cloth.ellipse((shift * 0.7, 0.95), (neck * 2.3, 0.62), np.full(3, 0.6))
    torso = trunk(clothes, pose)
    cloth.fill(torso, np.ones(3))
    layer = cloth.layer()
    brighten(layer, weave)
    if clothes.kind == "straps":
        bare = Canvas(size, body)
        bare.fill(torso, skin * 0.97)
        picture.put(bare.layer(), bulge=0.6, shadow=0.3)
        x, y = body.grid(size)
        aside = np.abs(x - shift)
        kept = (y > 2.3 - 0.12 * aside**2) | (np.abs(aside - neck * 1.6) < 0.13)
        kept &= aside < 0.82 * clothes.shoulders
        layer *= soften(kept.astype(np.float32), 0.6)[..., None]
    picture.put(layer, bulge=0.6, shadow=0.3)

    canvas = Canvas(size, body)
    opening = _opening(clothes.kind, neck, shift)
    if not pose.back:
        canvas.fill(opening, skin * 0.96)
    bow = spline([(neck * 0.92, 0.3), (neck * 0.9, 0.75), (neck * 1.02, 1.05), (neck * 1.1, 1.2)])
    nape = np.concatenate([bow * (-1, 1), bow[::-1]])
    nape[:, 0] += shift * 0.7 * np.clip((nape[:, 1] - 0.4) / 0.7, 0, 1)
    if clothes.kind == "turtleneck":
        canvas.fill(nape * (1.12, 1) + (0, 0.12), clothes.colour * 0.95)
        canvas.fill(nape * (1, 0.7), skin * 0.9)
        canvas.fill(np.clip(nape * (1.14, 1) + (0, 0.1), (-9, 0.8), (9, 9)), clothes.colour)
    else:
        canvas.fill(nape, skin * 0.93)
    picture.put(canvas.layer(), bulge=0.6)

    canvas = Canvas(size, body)
    if clothes.kind == "collar":
        _draw_collar(canvas, clothes.colour, neck, shift, pose.back)
    if clothes.kind == "crew" and not pose.back:
        canvas.stroke([np.add(opening[:21], (0, 0.02))], clothes.colour * 0.8, 0.06)
    if clothes.kind == "hoodie" and not pose.back:
        for side in (-1, 1):
            rim = [(side * neck * 1.35, 0.78), (side * neck * 1.5, 1.2), (shift, 1.62)]
            canvas.stroke([spline(rim)], clothes.colour * 0.85, 0.22)
            cord = [(shift + side * 0.22, 1.5), (shift + side * 0.26, 2.4)]
            canvas.stroke([cord], np.clip(clothes.second, 0.4, 1), 0.05)
    if clothes.kind == "hoodie" and pose.back:
        canvas.ellipse((shift, 1.35), (neck * 1.9, 0.75), clothes.colour * 0.8)
    if clothes.kind == "jacket":
        _draw_jacket(canvas, clothes, pose)
    picture.put(canvas.layer(), bulge=0.4, shadow=0.3)
    sleeves = weave
    if clothes.kind == "jacket":
        sleeves = _of_jacket(clothes, weave)
    if clothes.kind == "straps":
        sleeves = np.broadcast_to(0.97 * skin.astype(np.float32), weave.shape)
    for side in rng.permutation([-1, 1]):
        if person.arm == "none" or side != person.arm_side:
            _draw_arm(picture, person, body, sleeves, int(side))
    return sleeves


def _draw_arm(
    picture: LitPicture, person: Person, body: Frame, sleeves: np.ndarray, side: int
) -> None:
    clothes, skin = person.clothes, picture.on_body(person.face.skin)
    joints = arm(clothes, person.pose, side)
    canvas = Canvas(picture.pixels.shape[0], body)
    canvas.fill(arm_outline(joints, 0.0), skin * 0.96)
    for shape in hand(joints):
        canvas.fill(shape, skin)
    layer = canvas.layer()
    if clothes.kind != "straps":
        cloth = Canvas(picture.pixels.shape[0], body)
        until = 0.97 if clothes.kind == "jacket" else clothes.sleeve
        cloth.fill(arm_outline(joints, clothes.loose, until), np.ones(3))
        sleeve = cloth.layer()
        brighten(sleeve, sleeves)
        layer = over(layer, sleeve)
    picture.put(layer, bulge=0.6, shadow=0.3)


def _of_jacket(clothes: Clothes, weave: np.ndarray) -> np.ndarray:
    """The folds of the cloth in the colour of the jacket."""
    grey = weave.mean(axis=2, keepdims=True) / max(float(weave.mean()), 0.05)
    return np.clip(grey, 0.7, 1.3) * clothes.second.astype(np.float32)


def _draw_legs(picture: LitPicture, person: Person, body: Frame) -> None:
    clothes, pose = person.clothes, person.pose
    canvas = Canvas(picture.pixels.shape[0], body)
    *shapes, left, right = legs(clothes, pose)
    bare = clothes.below == "skirt"
    skin = picture.on_body(person.face.skin)
    for shape in shapes:
        canvas.fill(shape, skin * 0.95 if bare else clothes.trousers)
    for shoe in (left, right):
        canvas.fill(shoe, clothes.trousers * 0.5)
    if bare:
        canvas.fill(skirt(clothes, pose), clothes.trousers)
    picture.put(canvas.layer(), bulge=0.5)


def _draw_collar(canvas: Canvas, colour: np.ndarray, neck: float, shift: float, back: bool) -> None:
    if back:
        canvas.fill(rectangle(shift - 1.15 * neck, 0.8, shift + 1.15 * neck, 1.25), colour * 0.92)
        return
    for side in (-1, 1):
        wing = [(side * neck * 1.02, 0.82), (side * neck * 1.3, 1.05), (side * neck * 1.15, 1.55)]
        wing += [(shift + side * 0.07, 1.65)]
        canvas.fill(wing, colour * 0.92 + 0.04)
        canvas.stroke([wing[1:]], colour * 0.6, 0.02)
    canvas.stroke([[(shift, 1.72), (shift, 6)]], colour * 0.65, 0.025)
    for y in (1.95, 2.5, 3.05):
        canvas.ellipse((shift + 0.06, y), (0.04, 0.04), colour * 0.5 + 0.3)


def _draw_jacket(canvas: Canvas, clothes: Clothes, pose: Pose) -> None:
    """Two open fronts with lapels over the shirt."""
    outline = trunk(clothes, pose, 0.04)
    if pose.back:
        canvas.fill(outline, clothes.second)
        return
    middle, neck = len(outline) // 2, clothes.neck
    gap = 0.25 + 0.35 * abs(pose.body_turn)
    for side, half in ((-1, outline[:middle]), (1, outline[middle:][::-1])):
        edge = spline([(pose.body_shift + side * gap, 7.4), (pose.body_shift + side * gap, 2.6),
                       (side * neck * 1.12, 1.0)])  # fmt: skip
        canvas.fill(np.concatenate([half, edge]), clothes.second)
        lapel = [(side * neck * 1.1, 1.0), (side * (neck + 0.5), 1.5), (side * (neck + 0.3), 1.75)]
        lapel += [(side * (neck + 0.42), 1.85), (pose.body_shift + side * gap, 2.9)]
        canvas.fill(lapel, clothes.second * 0.88 + 0.02)
        canvas.stroke([lapel[1:]], clothes.second * 0.6, 0.02)


def _weave(
    clothes: Clothes, body: Frame, rng: np.random.Generator, size: int, unit: float
) -> np.ndarray:
    """Colour of the cloth at every pixel, float32 (size, size, 3)."""
    x, y = body.grid(size)
    cell = 0.22 * clothes.scale
    if clothes.pattern == "stripes":
        share = (np.sin(2 * np.pi * x / cell) > 0.3).astype(np.float32)
    elif clothes.pattern == "bands":
        share = (np.sin(2 * np.pi * (y + 0.08 * x**2) / (2 * cell)) > 0).astype(np.float32)
    elif clothes.pattern == "checks":
        share = (np.sin(np.pi * x / cell) > 0) * np.float32(0.5) + (
            np.sin(np.pi * y / cell) > 0
        ) * 0.5
    elif clothes.pattern == "dots":
        share = (np.cos(2 * np.pi * x / cell) + np.cos(2 * np.pi * y / cell) > 1.1).astype(
            np.float32
        )
    elif clothes.pattern == "blotches":
        share = np.clip(2.5 * fractal(rng, size, (7, 7), 3), 0, 1)
    elif clothes.pattern == "print":
        canvas = Canvas(size, body, 1)
        for _ in range(rng.integers(2, 7)):
            points = rng.normal((0, 2.3), (0.35, 0.25), (rng.integers(3, 7), 2))
            canvas.fill(points, np.ones(3))
        share = canvas.layer()[..., 0]
    else:
        share = np.zeros((size, size), np.float32)
    share = soften(share.astype(np.float32), 0.5)[..., None]
    colour = clothes.colour.astype(np.float32) * (1 - share) + share * clothes.second
    # Creases are where smooth noise crosses zero.
    cells = max(2, round(1.1 / unit))
    noise = fractal(rng, size, (cells, max(2, round(0.6 * cells))), 2)
    creases = cv2.exp(-np.square(noise / np.float32(0.25)))
    depth = np.float32(0.12) * np.clip(fractal(rng, size, (cells, cells), 1), 0, 1.5)
    folds = np.float32(0.09) * np.tanh(noise) - depth * creases
    folds += np.float32(0.02) * fractal(rng, size, (64, 64), 2)
    return (colour * (1 + folds[..., None])).astype(np.float32)
