"""Weights to begin a training with, taken from another network's file by layer.

The file is read as HDF5, which is numbers and names: no model is made of it, so code that it
contains cannot run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.networks import keras_archive
from mmnet_deploy.tflite.card import is_tflite

SHOWN_NAMES = 3
"""Layer names in a message; the others are counted."""

Stored = Mapping[str, Sequence[h5py.Dataset]]
"""The weights of each layer, in the order that Keras gives them."""


@dataclasses.dataclass(frozen=True)
class Match:
    """What a file has of a network.

    Attributes:
        taken: Names of the layers that got their weights from the file.
        missing: Names of the network's layers that the file does not have.
        unfit: The network's layers whose weights have another shape in the file, with
            the first such shape there and here.
        unused: Names of the file's layers that the network does not have.
    """

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    unfit: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    unused: tuple[str, ...]

    @property
    def layers(self) -> int:
        """Number of the network's layers that have weights."""
        return len(self.taken) + len(self.missing) + len(self.unfit)

    def __str__(self) -> str:
        parts = [f"{len(self.taken)} of {self.layers} layers taken by name and shape"]
        for what, names in (
            ("new", self.missing),
            ("of another shape", tuple(name for name, _, _ in self.unfit)),
            ("not used", self.unused),
        ):
            if names:
                more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
                parts.append(f"{what}: {', '.join(names[:SHOWN_NAMES])}{more}")
        return "; ".join(parts)


def take(path: Path, network: keras.Model, *, include: str = "", exclude: str = "") -> Match:
    """Give a network the weights of a file, layer by layer, where name and shapes agree.

    Args:
        path: A `.keras` file, a `.weights.h5` file or a Keras model in HDF5 (`.h5`).
        include: Regular expression; only layers whose name has it somewhere are asked for.
        exclude: Layers whose name has this one are not; empty for none.

    Raises:
        UsageError: The patterns leave no layer.
        ModelFileError: It cannot be read, or has less than half of the layers asked for;
            the network is left as it was.
    """
    ours = {
        layer.name: layer
        for layer in network.layers
        if layer.weights
        and re.search(include, layer.name)
        and not (exclude and re.search(exclude, layer.name))
    }
    if not ours:
        raise UsageError(
            f"`init_include` and `init_exclude` must leave layers of {network.name}. "
            f"Received: {include!r} and {exclude!r}."
        )
    taken: dict[str, list[np.ndarray]] = {}
    unfit = []
    with _opened(path) as file:
        stored = _layers(file)
        for name, layer in ours.items():
            if name not in stored:
                continue
            shapes = [tuple(weights.shape) for weights in stored[name]]
            wanted = [tuple(weights.shape) for weights in layer.weights]
            if shapes == wanted:
                taken[name] = [np.asarray(weights, np.float32) for weights in stored[name]]
            else:
                pairs = zip([*shapes, ()], [*wanted, ()], strict=False)
                unfit.append((name, *next(pair for pair in pairs if pair[0] != pair[1])))
        names = sorted(stored)
    match = Match(
        tuple(taken),
        tuple(name for name in ours if name not in names),
        tuple(unfit),
        tuple(name for name in names if name not in ours),
    )
    _require_half(path, match)
    for name, values in taken.items():
        ours[name].set_weights(values)
    return match


def _require_half(path: Path, match: Match) -> None:
    """Refuse the weights of another family, or of another width multiplier."""
    if 2 * len(match.taken) >= match.layers:
        return
    example = ""
    if match.unfit:
        name, theirs, ours = match.unfit[0]
        example = f": {name} has {_text(theirs)} there and {_text(ours)} here"
    elif match.unused:
        example = f": it has {match.unused[0]}, and not {match.missing[0]}"
    raise ModelFileError(
        f"{path} has weights of another network: {len(match.taken)} of {match.layers} layers "
        f"agree by name and shape{example}."
    )


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "no such weights"


# --- The file ----------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file, or that inside a `.keras` file."""
    if not path.exists():
        raise ModelFileError(f"There is no file {path}.")
    if is_tflite(path):
        raise ModelFileError(
            f"{path} is a .tflite file, whose constants do not have the names of layers: initial "
            "weights come from a .keras, .weights.h5 or .h5 file of Keras."
        )
    try:
        hdf5 = keras_archive.is_hdf5(path)
        if path.is_file() and not hdf5 and not zipfile.is_zipfile(path):
            raise ValueError("neither HDF5 nor an archive")
        content = path if hdf5 else io.BytesIO(keras_archive.weights(path))
        with h5py.File(content, "r") as file:
            keras_archive.check_datasets(path, file)
            yield file
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} cannot be read: initial weights come from a .keras, .weights.h5 or .h5 "
            "file of Keras."
        ) from error


def _layers(file: h5py.File) -> Stored:
    """The weights by layer, in either layout that Keras writes.

    Keras 3 names the layer beside its numbered weights; the older layout lists the
    weights, `layer/kernel`, beside a group of them. What links to other files is left out.
    """
    groups: dict[str, h5py.Group] = {"": file}
    data: dict[str, h5py.Dataset] = {}

    def visit(place: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            groups[place] = item
        elif not item.external and not item.is_virtual and item.dtype.kind == "f":
            data[place] = item

    file.visititems(visit)
    layers: dict[str, dict[Any, h5py.Dataset]] = {}
    for place, dataset in data.items():
        group, _, number = place.rpartition("/")
        name = groups[group].attrs.get("name")
        if name is not None and number.isdecimal():
            layers.setdefault(_decoded(name), {})[int(number)] = dataset
    for place, group in groups.items():
        for index, entry in enumerate(group.attrs.get("weight_names", ())):
            weight = _decoded(entry)
            found = data.get(f"{place}/{weight}".lstrip("/"))
            parts = [*place.split("/"), *weight.split("/")]
            if found is not None:
                layers.setdefault(parts[-2], {})[index] = found
    return {name: [found[key] for key in sorted(found)] for name, found in layers.items()}


def _decoded(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
