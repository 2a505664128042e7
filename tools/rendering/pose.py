"""Poses of a standing person: a skeleton's arms, neck and spine turned at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

HEAD = "____head"

ARMS = (
    ("hanging", 0.5, (0.2, -1.0, 0.0), (0.1, -1.0, 0.25)),
    ("forward", 0.12, (0.25, -1.0, 0.15), (-0.1, -0.3, 1.0)),
    ("folded", 0.12, (0.3, -1.0, 0.3), (-0.9, 0.0, 0.45)),
    ("hip", 0.08, (0.8, -0.8, -0.25), (-0.5, -0.75, 0.4)),
    ("camera", 0.1, (0.6, -0.15, 0.8), (0.0, 0.35, 1.0)),
    ("head", 0.08, (0.9, 0.1, 0.4), (-0.7, 0.8, -0.1)),
)
"""Name, share, and the directions of a left upper arm and forearm."""


def rotation(axis: Matrix, angle: float) -> Matrix:
    """Rotation by `angle` radians about `axis` of length 1 (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def turned(pitch: float, yaw: float, roll: float) -> Matrix:
    """Rotation about x, then y, then z, in radians."""
    axes = np.eye(3)
    return rotation(axes[2], roll) @ rotation(axes[1], yaw) @ rotation(axes[0], pitch)


def aimed(start: Matrix, end: Matrix) -> Matrix:
    """The smallest rotation from one direction to another."""
    start, end = (v / np.linalg.norm(v) for v in (start, end))
    axis = np.cross(start, end)
    length = np.linalg.norm(axis)
    if length < 1e-9:
        return np.eye(3)
    return rotation(axis / length, float(np.arctan2(length, start @ end)))


class Skeleton:
    """Bones of a body of MakeHuman, each from its head to its tail.

    Args:
        body: the base mesh's JSON, with its bones and the vertices that tell their ends.
        vertices: the body's vertices, of shape (n, 3).
    """

    def __init__(self, body: dict[str, Any], vertices: Floats) -> None:
        ends = body["metadata"]["joint_pos_idxs"]
        names = [bone["name"] for bone in body["bones"]]
        self._names = [name.removesuffix(HEAD) for name in names]
        self._parents: dict[str, str | None] = {}
        for name, bone in zip(self._names, body["bones"], strict=True):
            parent = self._names[bone["parent"]] if bone["parent"] >= 0 else None
            if parent != name:
                self._parents[name] = parent
        self._heads, self._tails = (
            {n: vertices[ends[f"{n}{end}"]].mean(axis=0).astype(float) for n in self._parents}
            for end in ("____head", "____tail")
        )

    def posed(self, rng: np.random.Generator) -> Callable[[Floats, Floats, Floats], Floats]:
        """A pose at random: a function of vertices, their bones and weights."""
        turns = self._turns(rng)
        matrices: dict[str, tuple[Matrix, Matrix]] = {}
        for name in self._parents:
            self._place(name, turns, matrices)
        linear = np.stack([matrices[name][0] for name in self._names]).astype(np.float32)
        shift = np.stack([matrices[name][1] for name in self._names]).astype(np.float32)

        def move(vertices: Floats, bones: Floats, weights: Floats) -> Floats:
            weights = weights / (weights.sum(axis=1, keepdims=True) + 1e-9)
            turn = np.einsum("nk,nkij->nij", weights, linear[bones])
            return np.einsum("nij,nj->ni", turn, vertices) + np.einsum(
                "nk,nki->ni", weights, shift[bones]
            )

        return move

    def _place(
        self, name: str, turns: dict[str, Matrix], placed: dict[str, tuple[Matrix, Matrix]]
    ) -> tuple[Matrix, Matrix]:
        """Rotation and shift of a bone: its own turn about its head, then its parent's."""
        if name not in placed:
            parent = self._parents[name]
            turn, shift = (
                (np.eye(3), np.zeros(3)) if parent is None else self._place(parent, turns, placed)
            )
            head = self._heads[name]
            own = turns.get(name, np.eye(3))
            placed[name] = (turn @ own, turn @ (head - own @ head) + shift)
        return placed[name]

    def _turns(self, rng: np.random.Generator) -> dict[str, Matrix]:
        turns = {
            name: turned(*(rng.normal(0, sigma, 3)))
            for name, sigma in (("spine04", 0.03), ("spine02", 0.05), ("spine01", 0.05))
        }
        yaw, pitch, roll = rng.normal(0, (0.25, 0.12, 0.1))
        for name in ("neck01", "neck02", "head"):
            turns[name] = turned(pitch / 3, yaw / 3, roll / 3)
        shares = np.array([arm[1] for arm in ARMS])
        first = rng.choice(len(ARMS), p=shares / shares.sum())
        for side, sign in (("L", 1.0), ("R", -1.0)):
            kind = first if rng.random() < 0.5 else rng.choice(len(ARMS), p=shares / shares.sum())
            upper, lower = (
                (np.array(direction) + rng.normal(0, 0.12, 3)) * (sign, 1, 1)
                for direction in ARMS[kind][2:]
            )
            rest_upper = self._heads[f"lowerarm01.{side}"] - self._heads[f"upperarm01.{side}"]
            rest_lower = self._heads[f"wrist.{side}"] - self._heads[f"lowerarm01.{side}"]
            shoulder = aimed(rest_upper, upper)
            turns[f"upperarm01.{side}"] = shoulder
            turns[f"lowerarm01.{side}"] = (
                shoulder.T @ aimed(shoulder @ rest_lower, lower) @ shoulder
            )
        return turns
