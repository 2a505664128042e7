"""Moving portraits: the same person, room and light in every frame, and exact mattes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.background import draw_background
from mmnet_deploy.portraits.synthetic.canvas import soften
from mmnet_deploy.portraits.synthetic.people.figure import draw_person
from mmnet_deploy.portraits.synthetic.people.lighting import sample_light
from mmnet_deploy.portraits.synthetic.people.person import Person, sample_person
from mmnet_deploy.portraits.synthetic.scene import MIN_SIZE, check_numbers

_RATE = 25.0

_REACH = {"x": 0.05, "y": 0.02, "tilt": 0.1, "yaw": 0.25, "pitch": 0.1, "body": 0.08}
"""How far a lively person moves: in picture widths, radians, and head units for the body."""


@dataclasses.dataclass(frozen=True)
class _Sway:
    """A smooth movement to and fro: two sines of unrelated periods.

    Attributes:
        reach: Furthest way from the middle, (2,).
        periods: Seconds, (2,).
        phases: Radians, (2,).
    """

    reach: np.ndarray
    periods: np.ndarray
    phases: np.ndarray

    def at(self, time_s: float) -> float:
        turns = 2 * np.pi * time_s / self.periods + self.phases
        return float((self.reach * np.sin(turns)).sum())


def _sway(rng: np.random.Generator, reach: float) -> _Sway:
    shares = np.array([0.7, 0.3]) * reach
    return _Sway(shares, rng.uniform((1.5, 0.5), (5.0, 1.5)), rng.uniform(0, 2 * np.pi, 2))


def clip(
    seed: int, index: int, size: int = 256, frames: int = 50
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Film portrait `index` of the series `seed` at 25 frames per second.

    The person sways, turns and nods, calmly in one clip and lively in another; hair swings; the
    camera is on a stand or in a hand. Noise is new in each frame, as that of a sensor.

    Args:
        seed: Number of the series, at least 0.
        index: Place in the series, at least 0.
        size: Width and height in pixels, at least 32.
        frames: How many, at least 1.

    Yields:
        A frame, uint8 (size, size, 3) in RGB order, and its alpha, uint8 (size, size): the one
        that the frame was composed with.

    Raises:
        UsageError: A number is too small.
    """
    check_numbers(seed=(seed, 0), index=(index, 0), size=(size, MIN_SIZE), frames=(frames, 1))
    rng = np.random.default_rng([seed, index])
    person = sample_person(rng)
    light = sample_light(rng)
    room = draw_background(rng, size)
    blur, own_light = rng.uniform(0.0, 0.0035) * size, rng.normal(1, 0.02, 3)
    lively = float(rng.uniform(0.1, 1.0))
    sways = {name: _sway(rng, lively * reach) for name, reach in _REACH.items()}
    swing = _sway(rng, 0.4 * lively)
    in_hand = 0.02 * float(rng.random() < 0.5) * float(rng.random())
    camera = _sway(rng, in_hand), _sway(rng, in_hand)
    noise = float(rng.uniform(0.004, 0.025))
    strands = int(rng.integers(2**31))
    for number in range(frames):
        time_s = number / _RATE
        moved = tuple(one.at(time_s) for one in camera)
        posed = _posed(person, {name: one.at(time_s) for name, one in sways.items()}, moved)
        posed = dataclasses.replace(
            posed,
            hair=dataclasses.replace(posed.hair, wave=person.hair.wave * (1 + swing.at(time_s))),
        )
        # The same strands and folds in every frame.
        drawn = draw_person(posed, light, np.random.default_rng(strands), size)
        drawn = soften(drawn, blur)
        alpha = np.clip(drawn[..., 3], 0, 1)
        colours = np.clip(drawn[..., :3] * own_light.astype(np.float32), 0, alpha[..., None])
        picture = colours + (1 - alpha[..., None]) * _shifted(room, moved)
        grain = rng.standard_normal(picture.shape, np.float32) * np.float32(noise)
        picture = picture + grain * (np.float32(0.4) + np.sqrt(picture))
        yield (
            np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8),
            np.round(alpha * 255).astype(np.uint8),
        )


def _posed(person: Person, moves: dict[str, float], camera: tuple[float, ...]) -> Person:
    """The person after these movements, seen by a camera that has moved, in picture widths."""
    pose = person.pose
    return dataclasses.replace(
        person,
        pose=dataclasses.replace(
            pose,
            head=(pose.head[0] + moves["x"] + camera[0], pose.head[1] + moves["y"] + camera[1]),
            tilt=pose.tilt + moves["tilt"],
            yaw=pose.yaw + moves["yaw"],
            pitch=pose.pitch + moves["pitch"],
            body_shift=pose.body_shift + moves["body"],
        ),
    )


def _shifted(room: np.ndarray, by: tuple[float, ...]) -> np.ndarray:
    """The room as a camera sees it that has moved, in picture widths; half as far as the person."""
    size = room.shape[0]
    shift = np.array([[1, 0, by[0] * size / 2], [0, 1, by[1] * size / 2]])
    return cv2.warpAffine(
        room, shift, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
