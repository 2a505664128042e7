"""Outlines of trunk, arms and legs, in the body's frame: origin in the head, y points down.

Lengths are in head units, so that a grown person is about fifteen high.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mmnet_deploy.portraits.synthetic.canvas import ellipse, spline
from mmnet_deploy.portraits.synthetic.people.person import Clothes, Pose

_SHOULDER, _ARMPIT, _WAIST, _HIPS, _HEM = 1.75, 2.75, 5.0, 6.7, 7.4
_KNEES, _ANKLES = 10.3, 13.4


def trunk(clothes: Clothes, pose: Pose, wider: float = 0.0) -> np.ndarray:
    """Outline from the neck over the shoulders down to the hem."""
    width, neck = clothes.shoulders + wider, clothes.neck + 0.5 * wider
    top = 1.12 - wider
    half = np.array(
        [
            (neck * 0.95, top - 0.12),
            (neck * 1.1, top + 0.08),
            (width * 0.6, top + 0.1 + 0.5 * clothes.slope),
            (width * 0.88, top + 0.25 + 0.85 * clothes.slope),
            (width * 0.93, _SHOULDER + 0.35 + 0.5 * clothes.slope),
            (width * 0.82, _ARMPIT + 0.2),
            (width * pose.waist, _WAIST),
            (width * pose.hips, _HIPS),
            (width * pose.hips, _HEM),
        ]
    )
    return _both_sides(half, pose)


def _both_sides(half: np.ndarray, pose: Pose) -> np.ndarray:
    right = np.add(spline(half * (1 - pose.body_turn, 1)), (pose.body_shift, 0))
    left = np.add(spline(half * (-1 - pose.body_turn, 1)), (pose.body_shift, 0))
    return np.concatenate([left, right[::-1]])


def limb(joints: ArrayLike, radii: ArrayLike) -> np.ndarray:
    """Outline around a bent line of joints (n, 2), `radii` (n,) wide, with round ends."""
    line = spline(joints, 6)
    places = np.linspace(0, 1, len(line))
    radius = np.interp(places, np.linspace(0, 1, len(np.asarray(radii))), np.asarray(radii))
    along = np.gradient(line, axis=0)
    along = along / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * radius[:, None]
    turn = np.linspace(-1, 1, 7)[1:-1, None]
    bow = np.sqrt(1 - turn**2)
    start = line[0] - radius[0] * bow * along[0] + turn * across[0]
    end = line[-1] + radius[-1] * bow * along[-1] + turn * across[-1]
    return np.concatenate([line + across, end[::-1], (line - across)[::-1], start])


def arm(clothes: Clothes, pose: Pose, side: int) -> np.ndarray:
    """Shoulder, elbow and wrist of one arm, (3, 2); `side` is -1 (left in the picture) or 1."""
    width, apart = clothes.shoulders, pose.arms_apart
    shoulder = np.array([side * width * 0.8, _SHOULDER + 0.2 + 0.6 * clothes.slope])
    ways = {
        "down": ((1.0 + 0.25 * apart, 4.7), (0.98 + 0.5 * apart, 7.0)),
        "hips": ((1.45 + 0.5 * apart, 4.3), (0.85, 6.0)),
        "folded": ((1.05, 4.4), (-0.25, 4.0 + 0.35 * side)),
        "front": ((1.08 + 0.2 * apart, 4.5), (0.3, 5.3 + 0.2 * side)),
        "wide": ((1.7, 2.6 - apart), (2.4, 1.9 - 3 * apart)),
        "up": ((1.35 + apart, 0.3), (1.1 + 2 * apart, -2.0)),
    }
    elbow, wrist = (np.array(point) * (side * width, 1) for point in ways[pose.arms])
    turn = np.array([pose.body_shift - pose.body_turn, 0])
    return np.stack([shoulder, elbow, wrist]) + turn


def arm_outline(joints: np.ndarray, loose: float, until: float = 1.0) -> np.ndarray:
    """Outline of an arm or of the sleeve that ends at the share `until` of it.

    Args:
        loose: Thickness of the cloth, 0 for bare skin.
    """
    radii = np.array([0.5, 0.42, 0.36, 0.34, 0.22]) + loose
    places = np.linspace(0, 1, 9)
    line = spline(joints, 4)
    kept = places <= max(until, 0.2) + 1e-6
    radius = np.interp(places, np.linspace(0, 1, 5), radii)
    return limb(line[kept][::2] if kept.sum() > 4 else line[kept], radius[kept])


def hand(joints: np.ndarray) -> list[np.ndarray]:
    """Outlines of palm, fingers and thumb at the end of an arm."""
    along = joints[2] - joints[1]
    along = along / (np.linalg.norm(along) + 1e-6)
    across = np.array([-along[1], along[0]])
    palm = joints[2] + 0.3 * along
    outlines = [ellipse(palm, (0.25, 0.25))]
    for finger in range(4):
        root = palm + 0.1 * (finger - 1.5) * across
        outlines.append(limb([root, root + 0.55 * along], (0.075, 0.06)))
    outlines.append(limb([palm, palm + 0.3 * across + 0.25 * along], (0.09, 0.07)))
    return outlines


def legs(clothes: Clothes, pose: Pose) -> list[np.ndarray]:
    """Outlines of the hips with both legs, and of the shoes."""
    hips = clothes.shoulders * pose.hips
    turn = np.array([pose.body_shift - pose.body_turn, 0])
    outlines, shoes = [], []
    for side in (-1, 1):
        stand = side * (0.45 * hips + 0.5 * pose.legs_apart)
        knee = (side * 0.5 * hips + 0.25 * side * pose.legs_apart, _KNEES)
        joints = np.array([(side * 0.48 * hips, _HIPS), knee, (stand, _ANKLES)]) + turn
        outlines.append(limb(joints, (0.52 * hips, 0.42, 0.3)))
        shoes.append(ellipse(joints[-1] + (0.15 * side, 0.35), (0.5, 0.28)))
    return [*outlines, *shoes]


def skirt(clothes: Clothes, pose: Pose) -> np.ndarray:
    """Outline of a skirt from the waist to the knees or below."""
    hips = clothes.shoulders * pose.hips
    length = _KNEES - 1.5 + 3 * pose.legs_apart
    wide = hips * (1.0 + 0.8 * pose.legs_apart)
    half = np.array([(0.8 * hips, _WAIST), (hips, _HIPS), (wide, length)])
    return _both_sides(half, pose)
