"""A person at random: body, face, expression, skin, hair, clothes and pose.

Only assets that the MakeHuman project itself ships are named here; those of other authors have
other licences.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits import pictures
from rendering import pose
from rendering.makehuman import Assets, Floats, Image, Mesh, read_texture

HAIR = {
    "female": (
        "afro01",
        "bob01",
        "bob01",
        "bob02",
        "Braid01",
        "long01",
        "long01",
        "long01",
        "ponytail01",
        "ponytail01",
        "short03",
        "short04",
    ),
    "male": ("afro01", "short01", "short02", "short03", "short04", "short01", "short02", "bob02"),
}
CLOTHES = {
    "female": (
        "female_casualsuit01",
        "female_casualsuit02",
        "female_elegantsuit01",
        "female_sportsuit01",
    ),
    "male": (
        "male_casualsuit01",
        "male_casualsuit02",
        "male_casualsuit03",
        "male_casualsuit04",
        "male_casualsuit05",
        "male_casualsuit06",
        "male_elegantsuit01",
        "male_worksuit01",
    ),
}
HATS = ("fedora", "fedora_cocked")
BROWS = tuple(f"eyebrow{number:03d}" for number in range(1, 13))
LASHES = ("Eyelashes01", "eyelashes02", "eyelashes03", "eyelashes04")
RACES = ("african", "asian", "caucasian")

HAIR_COLOURS = (
    (0.015, 0.012, 0.010),
    (0.03, 0.02, 0.015),
    (0.07, 0.04, 0.022),
    (0.16, 0.09, 0.05),
    (0.40, 0.27, 0.14),
    (0.28, 0.10, 0.04),
    (0.35, 0.34, 0.33),
)
"""Linear red, green and blue: black, two browns, light brown, blond, red and grey."""

PATTERNED_SHARE = 0.35
"""Share of the clothes with the pattern of a picture, where there are pictures."""

CHILD_SHARE = 0.15
"""Share of persons between a young child and an adult."""

SKIN = 0
"""Material of the body's triangles that are seen; others are helpers of MakeHuman."""

FACE = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
"""Groups of shapes of which a person has some at random."""

BROKEN = ("eyes/l-eye-bag-max", "eyes/r-eye-bag-max")
"""Not used: the offsets of one of them are too large for the package's 16 bits."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Triangles with one texture.

    `positions`, `normals` of shape (n, 3), `uvs` of shape (n, 2): three rows are a triangle, in
    decimetres, y up, z to the front. `texture` is RGBA; `bumps` a map of normals or None.
    """

    kind: str
    positions: Floats
    normals: Floats
    uvs: Floats
    texture: Image
    bumps: Image | None = None


def person(assets: Assets, cloths: list[Path], rng: np.random.Generator) -> list[Part]:
    """A person at random, clothed and posed.

    Args:
        cloths: pictures, of which a part is the pattern of some clothes; may be empty.
    """
    gender = ("female", "male")[rng.integers(2)]
    race = RACES[rng.choice(3, p=(0.25, 0.25, 0.5))]
    old = float(rng.beta(0.6, 1.2))
    vertices = assets.shaped(_shapes(assets, gender, race, old, rng))
    moved = pose.Skeleton(assets.body.details, vertices).posed(rng)
    colour = rng.uniform(0.7, 1.3) * np.asarray(HAIR_COLOURS[rng.choice(7, p=_hair_odds(race))])
    hidden = np.zeros(len(vertices), bool)
    parts = []
    for kind, name in _worn(gender, rng):
        mesh = assets.worn(kind, name)
        covered = mesh.hidden()
        hidden[: len(covered)] |= covered
        fitted = mesh.fitted(vertices)
        if kind == "hair":
            fitted = _fuller(fitted, rng)
        texture, bumps = _surface(kind, mesh, colour.astype(np.float32), cloths, rng)
        parts.append(_part(kind, mesh, moved(fitted, mesh.bones, mesh.weights), texture, bumps))
    body = moved(vertices, assets.body.bones, assets.body.weights)
    shown = (assets.body.materials == SKIN) & ~hidden[assets.body.corners].all(axis=1)
    skin = _skin(assets, gender, race, old, rng)
    return [_part("skin", assets.body, body, skin, None, shown), *parts]


def _worn(gender: str, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Kind and name of each thing that is worn, hair and eyes among them."""
    other = {"female": "male", "male": "female"}[gender]
    clothes = CLOTHES[gender if rng.random() < 0.9 else other]
    worn = [("clothes", clothes[rng.integers(len(clothes))])]
    if gender == "female" or rng.random() < 0.94:
        worn.append(("hair", HAIR[gender][rng.integers(len(HAIR[gender]))]))
    if rng.random() < 0.06:
        worn.append(("clothes", HATS[rng.integers(len(HATS))]))
    return [
        *worn,
        ("eyes", "HighPolyEyes"),
        ("eyebrows", BROWS[rng.integers(len(BROWS))]),
        ("eyelashes", LASHES[rng.integers(len(LASHES))]),
    ]


def _shapes(
    assets: Assets, gender: str, race: str, old: float, rng: np.random.Generator
) -> dict[str, float]:
    """Amounts of shapes: age, origin, build and height, features and an expression."""
    child = float(rng.uniform(0.2, 0.7)) if rng.random() < CHILD_SHARE else 0.0
    ages = {"child": child, "old": (1 - child) * old, "young": (1 - child) * (1 - old)}
    build = {
        f"{muscle}muscle-{weight}weight": a * b
        for muscle, a in _three(rng).items()
        for weight, b in _three(rng).items()
    }
    tall = ("minheight", "maxheight")[int(rng.integers(2))], float(rng.uniform(0, 0.7))
    other = RACES[rng.integers(3)]
    mixed = float(rng.uniform(0, 0.4))
    shapes: dict[str, float] = {}
    for age, share in ages.items():
        for of, part in ((race, 1 - mixed), (other, mixed)):
            name = f"macrodetails/{of}-{gender}-{age}"
            shapes[name] = shapes.get(name, 0) + share * part
        for kind, part in build.items():
            shapes[f"macrodetails/universal-{gender}-{age}-{kind}"] = share * part
            name = f"macrodetails/height/{gender}-{age}-{kind}-{tall[0]}"
            shapes[name] = share * part * tall[1]
    return shapes | _face(list(assets.shapes), race, rng)


def _face(names: list[str], race: str, rng: np.random.Generator) -> dict[str, float]:
    """Features and an expression at random; left and right alike."""
    features = [name for name in names if name.split("/")[0] in FACE and name not in BROKEN]
    chosen = {}
    for index in rng.choice(len(features), 20, replace=False):
        name, amount = features[index], float(rng.uniform(0, 0.35))
        group, shape = name.split("/", 1)
        chosen[name] = amount
        if shape[:2] in ("l-", "r-"):
            chosen[f"{group}/{'r' if shape[0] == 'l' else 'l'}{shape[1:]}"] = amount
    units = [n for n in names if n.startswith(f"expression/units/{race}/")]
    units = [n for n in units if "mouth" in n or "eye" in n]
    for index in rng.choice(len(units), 3, replace=False):
        chosen[units[index]] = float(rng.uniform(0, 0.5))
    return chosen


def _skin(assets: Assets, gender: str, race: str, old: float, rng: np.random.Generator) -> Image:
    age = "old" if old > 0.7 else "middleage" if old > 0.35 else "young"
    choices = assets.skins(age, race, gender)
    texture = read_texture(choices[rng.integers(len(choices))])
    tone = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    toned = _stored(np.clip(_linear(texture) * tone.astype(np.float32), 0, 1))
    return np.dstack([toned, np.full(toned.shape[:2], 255, np.uint8)])


def _surface(
    kind: str, asset: Mesh, hair: Floats, cloths: list[Path], rng: np.random.Generator
) -> tuple[Image, Image | None]:
    """Texture and map of normals of what is worn, dyed."""
    materials = asset.details["materials"]
    material = materials[rng.integers(len(materials))]
    texture = read_texture(asset.folder / material["mapDiffuse"])
    if kind in ("hair", "eyebrows", "eyelashes"):
        return _dyed(texture, hair, 0.9), None
    if kind == "eyes":
        return texture, None
    if cloths and rng.random() < PATTERNED_SHARE:
        pattern = _pattern(cloths[rng.integers(len(cloths))], texture.shape[1::-1], rng)
        texture = np.dstack([pattern, texture[..., 3]])
    if "mapAO" in material:
        around = cv2.resize(
            read_texture(asset.folder / material["mapAO"])[..., :3], texture.shape[1::-1]
        )
        texture = texture.copy()
        texture[..., :3] = (texture[..., :3] * (around / 255.0)).astype(np.uint8)
    if rng.random() < 0.7:
        colour = rng.uniform(0.02, 0.7) * rng.uniform(0.4, 1.0, 3).astype(np.float32)
        texture = _dyed(texture, colour, float(rng.uniform(0.5, 1.0)))
    bumps = material.get("mapNormal")
    return texture, read_texture(asset.folder / bumps) if bumps else None


def _pattern(path: Path, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """A part of a picture, of `size` (width, height), softer in colour and contrast."""
    picture = pictures.read_image(path)
    height, width = picture.shape[:2]
    side = max(2, int(min(height, width) * rng.uniform(0.15, 0.9)))
    top, left = (rng.integers(length - side + 1) for length in (height, width))
    part = picture[top : top + side, left : left + side]
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = part.mean(axis=2, keepdims=True)
    part = grey + (part - grey) * np.float32(rng.uniform(0.0, 1.0))
    part = part.mean() + (part - part.mean()) * np.float32(rng.uniform(0.3, 1.0))
    return np.clip(np.rint(part * rng.uniform(0.5, 1.3)), 0, 255).astype(np.uint8)


def _dyed(texture: Image, colour: Floats, strength: float) -> Image:
    """The texture in another colour (linear), with its own light and shade, at `strength`."""
    linear = _linear(texture)
    solid = texture[..., 3] > 127
    grey = linear.mean(axis=2, keepdims=True)
    mean = max(float(grey[solid].mean()), 1e-3) if solid.any() else 1.0
    dyed = np.clip(grey / mean * colour, 0, 1)
    return np.dstack([_stored(linear + np.float32(strength) * (dyed - linear)), texture[..., 3]])


def _linear(texture: Image) -> Floats:
    return (texture[..., :3] / np.float32(255)) ** np.float32(2.2)


def _stored(linear: Floats) -> Image:
    return np.rint(linear ** np.float32(1 / 2.2) * 255).astype(np.uint8)


def _hair_odds(race: str) -> tuple[float, ...]:
    if race == "caucasian":
        return (0.1, 0.2, 0.25, 0.15, 0.15, 0.05, 0.1)
    return (0.5, 0.3, 0.1, 0.02, 0.02, 0.0, 0.06)


def _three(rng: np.random.Generator) -> dict[str, float]:
    """A value between the least and the greatest, as shares of least, average and greatest."""
    value = float(np.clip(rng.normal(0.5, 0.25), 0, 1))
    return {
        "min": max(0.0, 1 - 2 * value),
        "max": max(0.0, 2 * value - 1),
        "average": 1 - abs(2 * value - 1),
    }


def _fuller(hair: Floats, rng: np.random.Generator) -> Floats:
    """The same hair, wider, deeper and longer."""
    middle = (hair.min(axis=0) + hair.max(axis=0)) / 2
    middle[1] = hair[:, 1].max() - 1.2
    return middle + (hair - middle) * rng.uniform(1.0, 1.25, 3).astype(np.float32)


def _part(
    kind: str,
    mesh: Mesh,
    vertices: Floats,
    texture: Image,
    bumps: Image | None,
    shown: NDArray[np.bool_] | None = None,
) -> Part:
    corners = mesh.corners
    a, b, c = (vertices[corners[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, corners[:, k], faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    uv_corners = mesh.uv_corners
    if shown is not None:
        corners, uv_corners = corners[shown], uv_corners[shown]
    flat = corners.reshape(-1)
    return Part(
        kind, vertices[flat], normals[flat], mesh.uvs[uv_corners.reshape(-1)], texture, bumps
    )
