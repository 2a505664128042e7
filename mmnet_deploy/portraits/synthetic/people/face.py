"""The head with its features, in the head's frame; glasses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mmnet_deploy.portraits.synthetic.canvas import Canvas, Frame, ellipse, over, spline
from mmnet_deploy.portraits.synthetic.people.person import Face

Projection = Callable[[ArrayLike], np.ndarray]


def turned(points: ArrayLike, face: Face, yaw: float, pitch: float = 0.0) -> np.ndarray:
    """Points (..., 2) of a face seen from the front, as seen on the turned head."""
    x, y = np.asarray(points, float)[..., 0], np.asarray(points, float)[..., 1]
    across = np.arcsin(np.clip(x / face.width, -0.97, 0.97))
    return np.stack([face.width * np.sin(across + yaw), y + 0.3 * pitch * (1 - y**2)], axis=-1)


def outline(face: Face) -> np.ndarray:
    """The head's outline without ears and hair, (60, 2)."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    x = face.width * np.sign(cos) * np.abs(cos) ** face.chin
    return np.stack([x * (1 - face.jaw * np.clip(sin, 0, 1) ** 1.4), sin], axis=1)


# Height, and how far the middle line of the face stands out, in shares of the head's half width.
_PROFILE = np.array(
    [
        (-0.62, 0.82), (-0.38, 0.96), (-0.2, 1.0), (-0.08, 0.94), (0.1, 1.1), (0.27, 1.28),
        (0.36, 1.02), (0.5, 0.98), (0.57, 1.04), (0.63, 0.97), (0.69, 1.01), (0.78, 0.9),
        (0.9, 0.95), (1.0, 0.7),
    ]
)  # fmt: skip


def aside(yaw: float) -> float:
    """How far a head has turned from half profile (0) to profile (1)."""
    return float(np.clip((abs(np.sin(yaw)) - 0.5) / 0.45, 0, 1))


def draw_head(canvas: Canvas, face: Face, yaw: float) -> None:
    """Ears and skull; turned far aside, nose, lips and chin stand out of its outline."""
    skin, way = face.skin, np.sign(yaw) or 1.0
    for side in (-1, 1):
        _draw_ear(canvas, face, yaw, side, behind=True)
    shape = outline(face)
    towards = shape[:, 0] * way > 0
    shape[towards, 0] *= 1 - 0.3 * aside(yaw)
    if aside(yaw):
        depth = face.width * (1 + 0.12 * aside(yaw))
        canvas.ellipse((-0.25 * way * aside(yaw), -0.2), (depth, 0.8), skin)
        line = spline(_PROFILE[:, ::-1] * (face.width * np.sin(yaw), 1), 4)
        canvas.fill(np.concatenate([line, [(0, 1.0), (0, -0.62)]]), skin)
    canvas.fill(shape, skin)
    for side in (-1, 1):
        _draw_ear(canvas, face, yaw, side, behind=False)


def _draw_ear(canvas: Canvas, face: Face, yaw: float, side: int, *, behind: bool) -> None:
    """One ear, if it lies `behind` the outline of the head, or if it does not."""
    angle = 1.45 * side + yaw
    if (abs(angle) > 1.15) != behind or abs(angle) > 1.9:
        return
    x = 1.02 * face.width * np.sin(angle)
    wide = 0.09 + 0.05 * max(float(np.cos(angle)), 0.0)
    canvas.ellipse((x, 0.12), (wide, 0.22), face.skin * (0.97, 0.9, 0.88), tilt=0.12 * side)
    canvas.ellipse((x, 0.12), (0.5 * wide, 0.14), face.skin * (0.8, 0.68, 0.66), tilt=0.12 * side)


def draw_features(canvas: Canvas, face: Face, yaw: float, pitch: float, hair: np.ndarray) -> None:
    """Eyes, brows, nose and mouth on a drawn head."""
    skin = face.skin

    def on_face(points: ArrayLike) -> np.ndarray:
        return turned(points, face, yaw, pitch)

    for side in (-1, 1):
        if side * yaw > 0.85:  # on the far side
            continue
        _draw_eye(canvas, face, on_face, side)
        brow = [(side * 0.13, -0.19), (side * 0.34, -0.24 - face.brow), (side * 0.5, -0.17)]
        line = spline(brow)
        thick = face.brow * np.linspace(1.2, 0.2, len(line))[:, None] * (0, 1)
        tone = 0.25 * skin + 0.65 * hair
        canvas.fill(on_face(np.concatenate([line - thick, (line + thick)[::-1]])), tone)
        canvas.ellipse(
            on_face((side * 0.075 * face.nose, 0.36)), (0.042, 0.026), skin * (0.5, 0.38, 0.36)
        )
    wing = 0.15 * face.nose
    under_nose = spline([(-wing, 0.3), (-wing, 0.38), (0, 0.43), (wing, 0.38), (wing, 0.3)])
    if not aside(yaw):
        canvas.stroke([on_face(under_nose)], skin * (0.78, 0.68, 0.66), 0.02)
    _draw_mouth(canvas, face, on_face)


def _draw_eye(canvas: Canvas, face: Face, on_face: Projection, side: int) -> None:
    wide, high = 0.145 * face.eye, 0.068 * face.eye * face.eye_open
    middle = np.array([side * 0.31, -0.02])
    t = np.linspace(-1, 1, 13)
    upper = middle + np.stack([t * wide, -high * (1 - t**2) - 0.01 * side * t], axis=1)
    lower = middle + np.stack([t * wide, 0.7 * high * (1 - t**2) - 0.01 * side * t], axis=1)
    white = (0.55 * face.skin + 0.45) * (0.92, 0.93, 0.94)
    canvas.fill(on_face(np.concatenate([upper, lower[::-1]])), white)
    eye = on_face(np.add(middle, (0, -0.1 * high)))
    canvas.ellipse(eye, (0.068, 0.07), face.iris)
    canvas.ellipse(eye, (0.033, 0.034), face.iris * 0.15)
    canvas.ellipse(np.add(eye, (-0.02, -0.022)), (0.013, 0.013), np.ones(3))
    # Lids hide what of the round iris lies outside the eye.
    lid = upper - np.stack([0 * t, 0.1 * (1 - 0.6 * t**2)], axis=1)
    canvas.fill(on_face(np.concatenate([upper, lid[::-1]])), face.skin * (0.88, 0.82, 0.8))
    bag = lower + np.stack([0 * t, 0.1 * (1 - 0.6 * t**2)], axis=1)
    canvas.fill(on_face(np.concatenate([lower, bag[::-1]])), face.skin * (0.94, 0.91, 0.9))
    canvas.stroke([on_face(upper)], face.skin * 0.22, 0.022)
    canvas.stroke([on_face(lid[2:-2])], face.skin * (0.72, 0.64, 0.62), 0.012)


def _draw_mouth(canvas: Canvas, face: Face, on_face: Projection) -> None:
    wide = 0.25 * face.mouth * (1 + 0.2 * face.smile)
    t = np.linspace(-1, 1, 17)
    seam = np.stack([t * wide, 0.64 - 0.06 * face.smile * t**2], axis=1)
    arch = 1 - t**2
    bow = 0.045 * arch * (1 - 0.35 * np.exp(-((t / 0.22) ** 2)))
    upper = seam - np.stack([0 * t, bow], axis=1)
    drop = np.stack([0 * t, face.mouth_open * arch], axis=1)
    lower = seam + drop + np.stack([0 * t, 0.07 * arch], axis=1)
    canvas.fill(on_face(np.concatenate([upper, lower[::-1]])), face.lips)
    if face.mouth_open:
        canvas.fill(on_face(np.concatenate([seam, (seam + drop)[::-1]])), (0.22, 0.07, 0.07))
        teeth = seam * (0.9, 1) + 0.75 * drop + (0, -0.002)
        canvas.fill(on_face(np.concatenate([seam * (0.9, 1), teeth[::-1]])), (0.9, 0.88, 0.83))
    else:
        canvas.stroke([on_face(seam)], face.lips * 0.55, 0.018)
    for side in (-1, 1):  # from nose to mouth
        fold = [(side * 0.2, 0.36), (side * (wide + 0.05), 0.5), (side * (wide + 0.06), 0.62)]
        depth = 0.12 * max(face.smile, 0.1)
        canvas.stroke([on_face(spline(fold))], face.skin * (1 - depth), 0.02)


def draw_glasses(
    size: int, head: Frame, kind: str, face: Face, yaw: float, rng: np.random.Generator
) -> np.ndarray:
    """Rims, bridge and lenses, premultiplied float32 (size, size, 4)."""
    frame_colour = np.full(3, rng.uniform(0.03, 0.3)) * rng.uniform(0.6, 1.4, 3)
    wide, high = rng.uniform(0.2, 0.26), rng.uniform(0.13, 0.22)
    rim = rng.choice([0.02, 0.035, 0.06])
    lenses, rims = Canvas(size, head), Canvas(size, head)
    for side in (-1, 1):
        if side * yaw > 0.85:  # on the far side
            continue
        edge = ellipse((0, 0), (1, 1))
        if kind != "round":  # a rounder square
            edge = np.sign(edge) * np.abs(edge) ** 0.55
        edge = turned(edge * (wide, high) + (side * 0.32, 0.02), face, yaw)
        glass = (0.05, 0.05, 0.06) if kind == "dark" else (0.75, 0.8, 0.85)
        lenses.fill(edge, glass)
        rims.stroke([np.concatenate([edge, edge[:2]])], frame_colour, rim)
        ends = [(side * (0.32 + wide), -0.02), (side * face.width * 0.98, 0.0)]
        temple = turned(np.array(ends), face, yaw)
        temple[1] = (face.width * np.sin(1.45 * side + yaw), -0.01)
        rims.stroke([temple], frame_colour, rim)
    bridge = turned(np.array([(-0.33 + wide, -0.02), (0, -0.06), (0.33 - wide, -0.02)]), face, yaw)
    rims.stroke([spline(bridge)], frame_colour, rim)
    strength = rng.uniform(0.8, 0.98) if kind == "dark" else rng.uniform(0.0, 0.18)
    return over(lenses.layer() * np.float32(strength), rims.layer())
