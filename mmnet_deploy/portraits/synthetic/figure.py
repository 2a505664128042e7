"""Draws a described person, part by part from back to front, as one premultiplied layer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic import hair as strands
from mmnet_deploy.portraits.synthetic.canvas import (
    Canvas,
    Frame,
    brighten,
    ellipse,
    fractal,
    over,
    relief,
    soften,
    spline,
)
from mmnet_deploy.portraits.synthetic.face import draw_glasses, draw_head, shade_face
from mmnet_deploy.portraits.synthetic.person import Clothes, Person, Pose


@dataclass(frozen=True)
class Light:
    """Where the light on the person comes from, and how hard it is."""

    direction: tuple[float, float]
    strength: float


def draw_person(person: Person, light: Light, rng: np.random.Generator, size: int) -> np.ndarray:
    """The person without surroundings, premultiplied float32 (size, size, 4)."""
    head, body = _frames(person.pose, size)
    picture = _Picture(size, light, person.pose.unit)
    covered = person.hat in ("beanie", "cap", "brim")
    yaw = person.pose.yaw
    hidden = person.hat == "scarf"

    if not hidden:
        canvas = Canvas(size, head)
        strands.draw_back(canvas, rng, person.hair, person.face)
        picture.put(_glossy(canvas.layer(), head, person), bulge=0.3)
    if hidden:
        canvas = Canvas(size, head)
        canvas.fill(_veil(person.face.width), person.hat_colour * 0.6)
        picture.put(canvas.layer(), bulge=0.4)
    if person.hat == "brim":
        canvas = Canvas(size, head)
        canvas.ellipse((0, -0.5), (1.45, 0.42), person.hat_colour * 0.55)
        picture.put(canvas.layer(), bulge=0.2)

    _dress(picture, person, body, rng)

    canvas = Canvas(size, head)
    draw_head(canvas, person.face, yaw, person.pose.pitch, person.hair.colour)
    layer = shade_face(canvas.layer(), head, person.face, yaw, light.direction)
    brighten(layer, 1 + np.float32(0.012) * fractal(rng, size, (24, 24), 3))
    picture.put(layer, bulge=0.8, shadow=0.5)
    if person.face.beard != "none":
        canvas = Canvas(size, head)
        tone = 0.75 * person.hair.colour + 0.15 * person.face.skin
        strands.draw_beard(canvas, rng, person.face, tone, yaw)
        light_one = person.face.beard == "stubble"
        layer = soften(canvas.layer(), 0.02 * head.scale[1] * (1 + light_one))
        picture.put(layer * np.float32(0.45 if light_one else 0.95), bulge=0.2)

    if not hidden:
        canvas = Canvas(size, head)
        strands.draw_front(canvas, rng, person.hair, person.face, yaw, covered)
        picture.put(_glossy(canvas.layer(), head, person), bulge=0.5, shadow=0.35)
    if person.glasses != "none":
        picture.put(draw_glasses(size, head, person.glasses, person.face, yaw, rng), shadow=0.15)
    _cover_head(picture, person, head, rng)
    if not hidden:
        canvas = Canvas(size, head)
        strands.draw_wisps(canvas, rng, person.hair, person.face, covered)
        picture.put(canvas.layer() * np.float32(rng.uniform(0.35, 0.9)))
    if person.arm != "none":
        _raise_arm(picture, person, body, rng)
    return picture.pixels


class _Picture:
    """The parts put so far; each new one is lit and shades those below it."""

    def __init__(self, size: int, light: Light, unit: float) -> None:
        self.pixels = np.zeros((size, size, 4), np.float32)
        self._light = light
        self._unit = unit  # of the head, in picture widths

    def put(self, layer: np.ndarray, bulge: float = 0.0, shadow: float = 0.0) -> None:
        """Add a premultiplied layer; `bulge` and `shadow` are shares of the light's strength."""
        size = layer.shape[0]
        if bulge:
            strength = self._light.strength * bulge
            lit = relief(layer[..., 3], self._light.direction, strength, 0.3 * self._unit)
            brighten(layer, lit)
        if shadow:
            cells = 64
            coarse = cv2.resize(layer[..., 3], (cells, cells), interpolation=cv2.INTER_AREA)
            shift = -np.array(self._light.direction) * 0.12 + (0, 0.16)
            shift = shift * self._unit * cells
            move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            coarse = cv2.warpAffine(coarse, move, (cells, cells))
            dark = cv2.resize(soften(coarse, 0.14 * self._unit * cells), (size, size))
            brighten(self.pixels, 1 - np.float32(shadow) * dark)
        self.pixels = over(self.pixels, layer)


def _frames(pose: Pose, size: int) -> tuple[Frame, Frame]:
    """The frames of head and body; the body's origin is the middle of the tilted head."""
    unit = pose.unit * size
    scale = (unit * pose.stretch, unit)
    centre = (pose.head[0] * size, pose.head[1] * size)
    head = Frame(centre, scale, pose.tilt)
    # The head turns about the neck, one unit below its middle.
    neck = head.pixels((0.0, 1.0))
    upright = Frame((float(neck[0]), float(neck[1])), scale, pose.body_tilt)
    origin = upright.pixels((0.0, -1.0))
    return head, Frame((float(origin[0]), float(origin[1])), scale, pose.body_tilt)


def _glossy(layer: np.ndarray, head: Frame, person: Person) -> np.ndarray:
    """Brighten a band of the hair, where a dome would shine."""
    x, y = head.grid(layer.shape[0])
    band = np.hypot(x, y + 0.1) - 0.85
    brighten(
        layer,
        1
        + np.float32(0.35) * np.exp(-((band / np.float32(0.13)) ** 2)) * np.clip(0.4 - 2 * y, 0, 1),
    )
    return layer


# --- Clothes ---------------------------------------------------------------------------------


def _torso(clothes: Clothes, pose: Pose, wider: float = 0.0) -> np.ndarray:
    """Outline of shoulders and arms down to far below the picture, in the body's frame."""
    width, neck = clothes.shoulders + wider, clothes.neck + 0.5 * wider
    top = 1.12 - wider
    half = np.array(
        [
            (neck * 0.95, top - 0.12),
            (neck * 1.1, top + 0.08),
            (width * 0.62, top + 0.1 + 0.55 * clothes.slope),
            (width * 0.9, top + 0.3 + 0.95 * clothes.slope),
            (width * 1.04, top + 0.85 + clothes.slope),
            (width * 1.2, top + 2.2),
            (width * 1.3, 9.0),
        ]
    )
    right = np.add(spline(half * (1 - pose.body_turn, 1)), (pose.body_shift, 0))
    left = np.add(spline(half * (-1 - pose.body_turn, 1)), (pose.body_shift, 0))
    return np.concatenate([left, right[::-1]])


def _part_arms(canvas: Canvas, clothes: Clothes, pose: Pose) -> None:
    """Let the background show between trunk and arms."""
    for side in (-1, 1):
        x = side * clothes.shoulders * 0.78 - pose.body_turn + pose.body_shift
        if pose.arms_apart:
            wide = side * pose.arms_apart
            canvas.erase([(x, 2.9), (x + 0.6 * wide, 4.2), (x + wide, 9), (x - 0.2 * wide, 9)])


def _opening(kind: str, neck: float, shift: float) -> np.ndarray:
    """Where skin shows below the neck, in the body's frame."""
    if kind in ("vee", "collar", "jacket"):
        depth = 2.1 if kind == "vee" else 1.75
        return np.array([(-neck * 1.02, 0.9), (neck * 1.02, 0.9), (shift, depth)])
    deep = {"scoop": 0.75, "straps": 0.9, "turtleneck": 0.0}.get(kind, 0.25)
    wide = {"scoop": 1.35, "straps": 1.35}.get(kind, 1.1)
    low = ellipse((0.7 * shift, 1.16), (neck * wide, deep))[:21]  # its lower half
    return np.concatenate([low, [(0.7 * shift - neck, 0.9), (0.7 * shift + neck, 0.9)]])


def _dress(picture: _Picture, person: Person, body: Frame, rng: np.random.Generator) -> None:
    """Torso, neck and collar."""
    clothes, pose, size = person.clothes, person.pose, picture.pixels.shape[0]
    skin, neck, shift = person.face.skin, clothes.neck, pose.body_shift
    cloth = Canvas(size, body)
    if clothes.kind == "hoodie":
        cloth.ellipse((shift * 0.7, 0.95), (neck * 2.3, 0.62), np.full(3, 0.6))
    torso = _torso(clothes, pose)
    cloth.fill(torso, np.ones(3))
    for side in (-1, 1):  # the seam between arm and chest
        seam_x = side * clothes.shoulders * 0.72 + shift - pose.body_turn
        seam = np.array([(1.1, 1.75), (1.0, 2.4), (0.97, 3.2), (1.02, 4.5)]) * (seam_x, 1)
        cloth.stroke([spline(seam)], np.full(3, 0.72), 0.03)
    _part_arms(cloth, clothes, pose)
    layer = cloth.layer()
    brighten(layer, _weave(clothes, body, rng, size))
    if clothes.kind == "straps":
        bare = Canvas(size, body)
        bare.fill(torso, skin * 0.97)
        _part_arms(bare, clothes, pose)
        picture.put(bare.layer(), bulge=0.6, shadow=0.3)
        x, y = body.grid(size)
        aside = np.abs(x - shift)
        kept = (y > 2.3 - 0.12 * aside**2) | (np.abs(aside - neck * 1.6) < 0.13)
        kept &= aside < 0.82 * clothes.shoulders
        layer *= soften(kept.astype(np.float32), 0.6)[..., None]
    picture.put(layer, bulge=0.6, shadow=0.3)

    canvas = Canvas(size, body)
    opening = _opening(clothes.kind, neck, shift)
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
        _draw_collar(canvas, clothes.colour, neck, shift)
    if clothes.kind == "crew":
        canvas.stroke([np.add(opening[:21], (0, 0.02))], clothes.colour * 0.8, 0.06)
    if clothes.kind == "hoodie":
        for side in (-1, 1):
            rim = [(side * neck * 1.35, 0.78), (side * neck * 1.5, 1.2), (shift, 1.62)]
            canvas.stroke([spline(rim)], clothes.colour * 0.85, 0.22)
            cord = [(shift + side * 0.22, 1.5), (shift + side * 0.26, 2.4)]
            canvas.stroke([cord], np.clip(clothes.second, 0.4, 1), 0.05)
    if clothes.kind == "jacket":
        _draw_jacket(canvas, clothes, pose)
        _part_arms(canvas, clothes, pose)
    layer = canvas.layer()
    if clothes.kind == "jacket":
        brighten(layer, 1 + np.float32(0.05) * fractal(rng, size, (48, 48), 2))
    picture.put(layer, bulge=0.4, shadow=0.3)


def _draw_collar(canvas: Canvas, colour: np.ndarray, neck: float, shift: float) -> None:
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
    outline = _torso(clothes, pose, 0.04)
    middle, neck = len(outline) // 2, clothes.neck
    gap = 0.25 + 0.35 * abs(pose.body_turn)
    for side, half in ((-1, outline[:middle]), (1, outline[middle:][::-1])):
        edge = spline([(pose.body_shift + side * gap, 9), (pose.body_shift + side * gap, 2.6),
                       (side * neck * 1.12, 1.0)])  # fmt: skip
        canvas.fill(np.concatenate([half, edge]), clothes.second)
        lapel = [(side * neck * 1.1, 1.0), (side * (neck + 0.5), 1.5), (side * (neck + 0.3), 1.75)]
        lapel += [(side * (neck + 0.42), 1.85), (pose.body_shift + side * gap, 2.9)]
        canvas.fill(lapel, clothes.second * 0.88 + 0.02)
        canvas.stroke([lapel[1:]], clothes.second * 0.6, 0.02)


def _weave(clothes: Clothes, body: Frame, rng: np.random.Generator, size: int) -> np.ndarray:
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
    folds = 0.05 * fractal(rng, size, (5, 3), 2) + 0.015 * fractal(rng, size, (64, 64), 2)
    return (colour * (1 + folds[..., None])).astype(np.float32)


# --- Hats, headphones, arms ------------------------------------------------------------------


def _cover_head(picture: _Picture, person: Person, head: Frame, rng: np.random.Generator) -> None:
    size, colour, width = picture.pixels.shape[0], person.hat_colour, person.face.width
    canvas = Canvas(size, head)
    yaw = 0.25 * person.pose.yaw
    brow = np.linspace(-1, 1, 21)
    if person.hat == "beanie":
        rise = 1.12 + 0.2 * person.hair.wildness
        dome = ellipse((0, -0.35), (width * 1.14, rise - 0.3))
        canvas.fill(dome[dome[:, 1] < -0.2], colour)
        ribs = [spline([(s * width, -0.3), (s * 0.75 * width, -0.9), (0, -rise)]) for s in brow]
        canvas.stroke(ribs, colour * 0.8, 0.02)
        edge = np.stack([brow * width * 1.17, -0.28 - 0.2 * (1 - brow**2)], axis=1)
        canvas.fill(np.concatenate([edge, edge[::-1] - (0, 0.3)]), colour * 0.9)
        canvas.stroke([[(e[0], e[1]), (e[0], e[1] - 0.3)] for e in edge], colour * 0.7, 0.015)
    elif person.hat in ("cap", "brim"):
        dome = ellipse((0, -0.45), (width * 1.1, 0.82))
        canvas.fill(dome[dome[:, 1] < -0.38], colour)
        canvas.stroke([spline([(yaw, -0.5), (yaw * 1.3, -0.9), (yaw, -1.26)])], colour * 0.7, 0.02)
        if person.hat == "cap":
            canvas.ellipse((yaw * 2, -0.5), (width * 0.98, 0.17), colour * 0.75)
            canvas.ellipse((yaw * 2, -0.56), (width * 0.95, 0.13), colour * 1.05)
        else:
            band = np.stack([brow * width * 1.1, -0.52 + 0.1 * (1 - brow**2)], axis=1)
            canvas.fill(np.concatenate([band, band[::-1] - (0, 0.2)]), colour * 0.4)
            front = np.stack([brow * 1.45, -0.5 + 0.2 * (1 - brow**2)], axis=1)
            canvas.fill(np.concatenate([front, front[::-1] - (0, 0.12)]), colour * 0.9)
    elif person.hat == "scarf":
        canvas.fill(_veil(width), colour, hole=ellipse((0.5 * yaw, 0.12), (width * 0.88, 0.9)))
        folds = [ellipse((0, 0.1), (width * r, r + 0.05)) for r in rng.uniform(1.0, 1.25, 7)]
        canvas.stroke(folds, colour * 0.85, 0.025)
    elif person.headphones:
        arc = np.pi * np.linspace(-0.02, 1.02, 30)
        over_head = np.stack([np.cos(arc) * width * 1.2, -1.24 * np.sin(arc)], axis=1)
        canvas.stroke([over_head], colour * 0.7, 0.12)
        for side in (-1, 1):
            canvas.ellipse((side * width * 1.12, 0.08), (0.15, 0.32), colour)
    else:
        return
    layer = canvas.layer()
    brighten(layer, 1 + np.float32(0.04) * fractal(rng, size, (40, 40), 2))
    picture.put(layer, bulge=0.7, shadow=0.5)


def _veil(width: float) -> np.ndarray:
    """Outline of a headscarf, round above and wide at the shoulders."""
    veil = ellipse((0, 0.05), (width * 1.26, 1.2))
    below = np.clip(veil[:, 1:], 0, None)
    return veil * np.concatenate([1 + 0.4 * below, np.ones_like(below)], axis=1) + below * (0, 0.4)


def _raise_arm(picture: _Picture, person: Person, body: Frame, rng: np.random.Generator) -> None:
    """An arm that holds the camera, or a hand beside the face."""
    canvas = Canvas(picture.pixels.shape[0], body)
    side, clothes = rng.choice([-1, 1]), person.clothes
    sleeve = person.face.skin if clothes.kind == "straps" else (
        clothes.second if clothes.kind == "jacket" else clothes.colour
    )  # fmt: skip
    if person.arm == "selfie":
        shoulder = np.array([side * clothes.shoulders * 0.85, 2.0])
        hand = np.array([side * rng.uniform(2.2, 3.4), rng.uniform(2.6, 4.2)])
        across = np.array([hand[1] - shoulder[1], shoulder[0] - hand[0]])
        across = across / (np.linalg.norm(across) + 1e-6)
        canvas.ellipse(shoulder, (0.42, 0.42), sleeve * 0.97)
        corners = [shoulder + 0.4 * across, hand + 0.65 * across]
        canvas.fill([*corners, hand - 0.65 * across, shoulder - 0.4 * across], sleeve * 0.97)
        canvas.ellipse(hand, (0.68, 0.68), sleeve)
    else:
        wrist = np.array([side * rng.uniform(0.7, 1.3), rng.uniform(0.9, 1.5)])
        elbow = np.add(wrist, (side * rng.uniform(0.2, 0.9), 2.6))
        canvas.stroke([[wrist, elbow]], person.face.skin * 0.95, 0.42)
        canvas.stroke([[0.35 * elbow + 0.65 * wrist, elbow]], sleeve, 0.62)
        palm = np.add(wrist, (-side * 0.08, -0.3))
        bent = rng.uniform(0.15, 0.55)
        lean = rng.uniform(-0.4, 0.4)
        for i in range(4):
            knuckle = np.add(palm, (0.13 * (i - 1.5), -0.16 - 0.03 * (i in (1, 2))))
            tip = np.add(knuckle, (lean * bent + 0.05 * (i - 1.5), -bent))
            canvas.stroke([[palm, knuckle, tip]], person.face.skin * (0.9 + 0.04 * i), 0.13)
        thumb = np.add(palm, (-side * 0.32, -0.12))
        canvas.stroke([[palm, thumb, np.add(thumb, (0, -0.18))]], person.face.skin * 0.92, 0.13)
        canvas.ellipse(palm, (0.26, 0.3), person.face.skin)
    picture.put(canvas.layer(), bulge=0.6, shadow=0.35)
