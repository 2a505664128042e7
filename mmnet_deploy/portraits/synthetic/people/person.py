"""What a person looks like, sampled before anything is drawn.

Lengths are in head units: half of the head's height, with the origin in its middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmnet_deploy.portraits.synthetic.palette import any_colour, hair_colour, skin_colour


@dataclass(frozen=True)
class Pose:
    """Where and how the person stands; positions in picture widths, angles in radians."""

    head: tuple[float, float]
    unit: float
    stretch: float
    tilt: float
    yaw: float
    pitch: float
    body_tilt: float
    body_shift: float
    body_turn: float
    back: bool  # turned away from the camera
    arms: str  # down, hips, folded, front, wide, up
    arms_apart: float  # how far they are held from the trunk, 0..1
    waist: float  # share of the shoulders
    hips: float
    legs_apart: float


@dataclass(frozen=True)
class Face:
    """The head without its hair."""

    skin: np.ndarray
    width: float
    jaw: float
    chin: float
    iris: np.ndarray
    eye: float
    eye_open: float
    brow: float
    nose: float
    mouth: float
    smile: float
    mouth_open: float
    lips: np.ndarray
    beard: str  # none, stubble, full, goatee, moustache
    beard_length: float


@dataclass(frozen=True)
class Hair:
    """Hair, `style` one of bald, buzz, short, spiky, curly, afro, bob, long, bun, tail."""

    style: str
    colour: np.ndarray
    volume: float
    length: float
    hairline: float
    part: float
    parting: float
    fringe: float
    wave: float
    wildness: float
    in_front: bool


@dataclass(frozen=True)
class Clothes:
    """The upper garment, with `kind` and `pattern` as in figure.py."""

    kind: str  # crew, vee, scoop, straps, collar, turtleneck, hoodie, jacket
    colour: np.ndarray
    second: np.ndarray
    pattern: str  # plain, stripes, bands, checks, dots, blotches, print
    scale: float
    shoulders: float
    slope: float
    neck: float
    sleeve: float  # share of the arm that it covers, 0..1
    loose: float  # thickness of the cloth
    below: str  # trousers, skirt
    trousers: np.ndarray


@dataclass(frozen=True)
class Person:
    """All that is drawn in front of the background."""

    pose: Pose
    face: Face
    hair: Hair
    clothes: Clothes
    glasses: str  # none, round, square, dark
    hat: str  # none, beanie, cap, brim, scarf
    hat_colour: np.ndarray
    headphones: bool
    arm: str  # none, selfie, hand
    arm_side: int  # -1 (left in the picture) or 1


def sample_person(rng: np.random.Generator) -> Person:
    """Draw a description at random."""
    long_haired = bool(rng.random() < 0.5)
    age = rng.random()
    hair = _sample_hair(rng, long_haired)
    if age > 0.8 and rng.random() < 0.7:
        grey = np.full(3, rng.uniform(0.4, 0.85)) * (1.0, 0.99, 0.96)
        hair = Hair(**{**vars(hair), "colour": 0.2 * hair.colour + 0.8 * grey})
    hat = _pick(rng, {"none": 82, "beanie": 5, "cap": 6, "brim": 3, "scarf": 4})
    pose = _sample_pose(rng)
    near = 15 if pose.unit > 0.18 else 0  # enough to hold the camera
    return Person(
        pose=pose,
        face=_sample_face(rng, bearded=not long_haired and hat != "scarf" and rng.random() < 0.5),
        hair=hair,
        clothes=_sample_clothes(rng),
        glasses=_pick(rng, {"none": 73, "round": 9, "square": 12, "dark": 6}),
        hat=hat,
        hat_colour=any_colour(rng, value=(0.08, 0.9)),
        headphones=bool(hat == "none" and rng.random() < 0.04),
        arm=_pick(rng, {"none": 78, "selfie": near, "hand": 7}),
        arm_side=int(rng.choice([-1, 1])),
    )


def _pick(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    share = np.array(list(shares.values()), float)
    return list(shares)[rng.choice(len(share), p=share / share.sum())]


def _sample_pose(rng: np.random.Generator) -> Pose:
    unit = _sample_unit(rng)
    tilt = rng.normal(0, 0.13)
    # Tall pictures are squeezed to squares, and wide ones now and then.
    stretch = rng.uniform(0.95, 1.35) if rng.random() < 0.8 else rng.uniform(0.7, 1.0)
    # Close to the camera, the picture may end below the top of the head.
    above = rng.gamma(1.6, 0.06) - 0.04 if unit < 0.33 else rng.normal(0, 0.08)
    return Pose(
        head=(
            float(np.clip(rng.normal(0.5, 0.1), 0.2, 0.8)),
            float(np.clip(1.15 * unit + above, 0.14, 0.55)),
        ),
        unit=unit,
        stretch=float(stretch),
        tilt=tilt,
        yaw=_sample_yaw(rng),
        pitch=float(rng.normal(0, 0.2)),
        body_tilt=rng.normal(0, 0.06) + 0.2 * tilt,
        body_shift=rng.normal(0, 0.15),
        body_turn=float(np.clip(rng.normal(0, 0.13), -0.35, 0.35)),
        back=bool(rng.random() < (0.12 if unit < 0.18 else 0.03 if unit < 0.27 else 0.0)),
        arms=_pick(rng, _ARMS),
        arms_apart=float(rng.uniform(0, 0.7) ** 1.5),
        waist=float(np.clip(rng.normal(0.72, 0.12), 0.5, 1.0)),
        hips=float(np.clip(rng.normal(0.8, 0.09), 0.65, 1.0)),
        legs_apart=float(rng.uniform(0.0, 0.8)),
    )


def _sample_yaw(rng: np.random.Generator) -> float:
    """Mostly towards the camera, now and then aside."""
    if rng.random() < 0.1:
        return float(rng.choice([-1, 1]) * rng.uniform(0.55, 1.3))
    return float(np.clip(rng.normal(0, 0.22), -0.55, 0.55))


_ARMS = {"down": 62, "hips": 10, "folded": 8, "front": 12, "wide": 4, "up": 4}


def _sample_unit(rng: np.random.Generator) -> float:
    """Half of the head's height, in picture widths: from close to far.

    Portraits, close selfies, half figures, and now and then a whole figure.
    """
    draw = rng.random()
    if draw < 0.52:
        return float(np.clip(rng.normal(0.24, 0.05), 0.13, 0.33))
    if draw < 0.72:
        return float(rng.uniform(0.28, 0.46))
    return float(rng.uniform(0.09, 0.18) if draw < 0.93 else rng.uniform(0.05, 0.09))


def _sample_face(rng: np.random.Generator, bearded: bool) -> Face:
    skin = skin_colour(rng)
    lips = skin * (0.86, 0.66, 0.66)
    if rng.random() < 0.25:
        lips = 0.4 * lips + 0.6 * np.array([rng.uniform(0.5, 0.85), 0.12, rng.uniform(0.15, 0.35)])
    irises = np.array([(0.2, 0.12, 0.08), (0.13, 0.08, 0.06), (0.3, 0.45, 0.6), (0.35, 0.42, 0.28)])
    smile = float(rng.normal(0.35, 0.45))
    beards = {"stubble": 30, "full": 35, "goatee": 15, "moustache": 20}
    return Face(
        skin=skin,
        width=float(rng.uniform(0.68, 0.82)),
        jaw=float(rng.uniform(0.06, 0.3)),
        chin=float(rng.uniform(0.75, 1.0)),
        iris=irises[rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])],
        eye=float(rng.uniform(0.85, 1.15)),
        eye_open=float(np.clip(rng.normal(0.9, 0.25), 0.15, 1.3)),
        brow=float(rng.uniform(0.02, 0.055)),
        nose=float(rng.uniform(0.8, 1.2)),
        mouth=float(rng.uniform(0.85, 1.15)),
        smile=float(np.clip(smile, -0.3, 1.2)),
        mouth_open=float(rng.uniform(0.03, 0.13)) if smile > 0.25 and rng.random() < 0.6 else 0.0,
        lips=lips,
        beard=_pick(rng, beards) if bearded else "none",
        beard_length=float(rng.uniform(0.05, 0.3)),
    )


def _sample_hair(rng: np.random.Generator, long_haired: bool) -> Hair:
    if long_haired:
        styles = {"bob": 22, "long": 48, "bun": 12, "tail": 10, "afro": 8}
    else:
        styles = {"bald": 9, "buzz": 14, "short": 44, "spiky": 14, "curly": 13, "afro": 6}
    style = _pick(rng, styles)
    volumes = {"bald": 0.0, "buzz": 0.04, "short": 0.12, "spiky": 0.14, "curly": 0.25}
    volumes |= {"afro": 0.5, "bob": 0.2, "long": 0.17, "bun": 0.07, "tail": 0.07}
    return Hair(
        style=style,
        colour=hair_colour(rng),
        volume=volumes[style] * float(rng.uniform(0.7, 1.4)),
        length=float(rng.uniform(0.5, 1.1) if style == "bob" else rng.uniform(1.4, 3.4)),
        hairline=float(rng.uniform(0.52, 0.72)),
        part=float(rng.normal(0, 0.25)),
        parting=float(rng.uniform(-1, 1)),
        fringe=float(rng.uniform(-0.42, -0.18)) if rng.random() < 0.3 else -1.0,
        wave=float(rng.choice([0.01, 0.03, 0.07, 0.12])),
        wildness=float(rng.uniform(0.2, 1.0) ** 1.5),
        in_front=bool(rng.random() < 0.55),
    )


def _sample_clothes(rng: np.random.Generator) -> Clothes:
    kinds = {"crew": 26, "vee": 14, "scoop": 12, "straps": 6, "collar": 14}
    kinds |= {"turtleneck": 7, "hoodie": 9, "jacket": 16}
    patterns = {"plain": 52, "stripes": 8, "bands": 9, "checks": 9, "dots": 5}
    patterns |= {"blotches": 8, "print": 9}
    colour = any_colour(rng, value=(0.05, 0.95))
    if rng.random() < 0.35:  # black, white and grey are worn far more often than any hue
        colour = np.full(3, rng.choice([0.06, 0.12, 0.35, 0.6, 0.92])) * rng.normal(1, 0.03, 3)
    return Clothes(
        kind=_pick(rng, kinds),
        colour=np.clip(colour, 0, 1),
        second=any_colour(rng, value=(0.1, 0.95)),
        pattern=_pick(rng, patterns),
        scale=float(rng.uniform(0.6, 1.8)),
        shoulders=float(np.clip(rng.normal(2.0, 0.25), 1.35, 2.6)),
        slope=float(rng.uniform(0.3, 0.6)),
        neck=float(rng.uniform(0.4, 0.56)),
        sleeve=float(rng.choice([0.3, 0.45, 0.75, 0.97], p=[0.2, 0.15, 0.1, 0.55])),
        loose=float(rng.uniform(0.02, 0.16)),
        below="skirt" if rng.random() < 0.2 else "trousers",
        trousers=any_colour(rng, (0, 0.6), (0.05, 0.7)),
    )
