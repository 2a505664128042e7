"""What is in a `.keras` file, read within bounds before Keras makes anything of it.

The file is a zip archive of a configuration, metadata and weights in HDF5. A small one can
claim to hold any amount of each; sizes are taken from the archive's directory and from the
shapes of the datasets, so that nothing is unpacked to find out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import io
import json
import math
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet_deploy.errors import MmnetDeployError, ModelFileError
from mmnet_deploy.files import reason

if TYPE_CHECKING:
    import h5py

MIB = 2**20

_CONFIG = "config.json"

MOST_CONFIG_BYTES = 4 * MIB
"""Size of the largest configuration; the 1,028 layers of EfficientNetV2-L take 1 MB."""

MOST_CONFIG_DEPTH = 100
"""Levels of lists and dictionaries in a configuration; Keras's own models have 12."""

_DEPTH_RULE = f"have at most {MOST_CONFIG_DEPTH} levels of brackets in {_CONFIG}"

MOST_LAYERS = 2500
"""Number of layers of the largest network: each costs Keras about 10 ms."""

FREE_BYTES = 64 * MIB
EXPANSION = 10
"""What is claimed may be `FREE_BYTES` and this many times what is stored. Weights hardly
compress: Keras stores them as they are."""

WEIGHTS = "model.weights.h5"
_METADATA = "metadata.json"
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a `.keras` file holds.

    Attributes:
        weights_bytes: Size of all its datasets.
        keras_version: Version of Keras that wrote it; empty if it does not say.
    """

    weights_bytes: int
    keras_version: str


def read(path: Path) -> Contents:
    """Check the sizes, the checksums and the structure of a `.keras` file.

    Raises:
        ModelFileError: It is damaged, or claims more than the bounds of this module allow.
    """
    import h5py

    with _archive(path, _CONFIG, WEIGHTS) as archive:
        config = _json(path, archive, _CONFIG)
        _require_small(path, config)
        metadata = _json(path, archive, _METADATA) if _METADATA in archive.namelist() else None
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        # Keras ignores a wrong checksum, and not every version of Python checks it.
        damaged = archive.testzip()
        if damaged:
            raise ModelFileError(f"{path} is damaged: the checksum of {damaged} is wrong.")
        with archive.open(WEIGHTS) as member, h5py.File(io.BytesIO(member.read()), "r") as file:
            size = check_datasets(path, file)
    return Contents(size, str(version or ""))


def weights(path: Path) -> bytes:
    """The HDF5 file in a `.keras` file; its datasets may be any.

    Raises:
        ModelFileError: As `read`.
    """
    with _archive(path, WEIGHTS) as archive:
        return archive.read(WEIGHTS)


def is_hdf5(path: Path) -> bool:
    """Whether a regular file is HDF5, whatever its name.

    Raises:
        OSError: It cannot be read.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def way_from_hdf5(path: Path) -> str:
    """Why an HDF5 file is not loaded, and how to make something of it that is."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            whole = "model_config" in file.attrs
            made_by = file.attrs.get("keras_version", b"")
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return f"{path} is refused: it is HDF5, and damaged."
    if not whole:
        return (
            f"{path} is refused: it holds weights without their network. Build the network in "
            "Python, load them with `model.load_weights`, and save it as .keras."
        )
    version = made_by.decode("utf-8", "replace") if isinstance(made_by, bytes) else str(made_by)
    if not version.startswith("3."):
        return way_from_keras_2(path, version)
    target = _beside(path, "-from-hdf5.keras")
    return (
        f"{path} is refused: HDF5 cannot be loaded safely. If you trust its source, "
        f"`{_python('keras', path, f'save({target})')}` makes a .keras file of it."
    )


def way_from_keras_2(path: Path, version: str) -> str:
    """How to make a SavedModel of a file of Keras 2, most of which Keras 3 does not read."""
    export = f"export({_beside(path, '-saved-model')})"
    return (
        f"{path} is refused: it was made by Keras 2 ({version or 'no version'}). If you trust its "
        f"source, `pip install {_tf_keras()}`, and `{_python('tf_keras', path, export)}` makes a "
        "SavedModel of it, a folder that is taken in its place."
    )


def _python(keras: str, path: Path, then: str) -> str:
    """A shell's command that loads a file with a version of Keras."""
    load = f"{keras}.models.load_model({_quoted(path)}, compile=False)"
    return f"python -c {shlex.quote(f'import {keras}; {load}.{then}')}"


def _beside(path: Path, end: str) -> str:
    return _quoted(path.with_name(path.stem + end))


def _quoted(path: Path) -> str:
    """A string of Python in double quotes, which a shell's single quotes hold as it is."""
    return json.dumps(str(path), ensure_ascii=False)


def _tf_keras() -> str:
    """The requirement of Keras 2 in the version that fits the TensorFlow that is installed."""
    try:
        return f"tf-keras~={'.'.join(importlib.metadata.version('tensorflow').split('.')[:2])}.0"
    except importlib.metadata.PackageNotFoundError:
        return "tf-keras"


def check_datasets(path: Path, file: h5py.File) -> int:
    """Make sure that the HDF5 file at or in `path` does not claim far more than is stored.

    A dataset may have any shape and store nothing of it, or store it compressed.

    Returns:
        Size of all datasets, in bytes.

    Raises:
        ModelFileError: It does.
    """
    import h5py

    claimed = 0

    def visit(place: str, item: Any) -> None:
        nonlocal claimed
        # What lies in other files is not read.
        if not isinstance(item, h5py.Dataset) or item.shape is None or item.external:
            return
        # Reading one element unpacks its whole chunk.
        elements = max(math.prod(item.shape), math.prod(item.chunks or (0,)))
        claimed += elements * item.dtype.itemsize

    file.visititems(visit)
    _require_bounded(path, "weights", claimed)
    return claimed


# --- Within bounds -----------------------------------------------------------


@contextlib.contextmanager
def _archive(path: Path, *needed: str) -> Iterator[zipfile.ZipFile]:
    """The archive, with the members that are needed, none of them too large."""
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{path} is not a regular file.")
    try:
        if not zipfile.is_zipfile(path):
            raise ModelFileError(f"{path} is not a .keras file, or it is damaged.")
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            for name in needed:
                if name not in names:
                    raise ModelFileError(f"{path} is damaged: {name} is missing.")
            for name in (_CONFIG, _METADATA):
                size = archive.getinfo(name).file_size if name in names else 0
                if size > MOST_CONFIG_BYTES:
                    rule = f"have at most {_mib(MOST_CONFIG_BYTES)} in {name}"
                    raise _refusal(path, rule, _mib(size))
            _require_bounded(path, "contents", sum(member.file_size for member in members))
            yield archive
    except MmnetDeployError:
        raise
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {reason(error)}.") from error
    except Exception as error:  # zipfile, zlib, json and h5py raise many kinds.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelFileError(f"{path} is damaged: {detail}.") from error


def _require_bounded(path: Path, what: str, claimed: int) -> None:
    stored = path.stat().st_size
    most = FREE_BYTES + EXPANSION * stored
    if claimed > most:
        raise _refusal(
            path,
            f"have {what} of at most {_mib(most)}, by its size of {_mib(stored)}",
            _mib(claimed),
        )


def _refusal(path: Path, rule: str, received: str) -> ModelFileError:
    return ModelFileError(
        f"{path} must {rule}. Received: {received}. It is damaged, or made to fill the memory."
    )


def _mib(size: int) -> str:
    return f"{size / MIB:,.{1 if size < 10 * MIB else 0}f} MiB"


def _json(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except RecursionError as error:
        raise _refusal(path, _DEPTH_RULE, "many more") from error
    except ValueError as error:
        raise ModelFileError(f"{path} is damaged: {name} is no JSON ({error}).") from error


def _require_small(path: Path, config: Any) -> None:
    """Make sure that a configuration does not nest too deep, nor list too many layers."""
    depth = layers = 0
    level = [config]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        lists = [item.get("layers") for item in level if isinstance(item, dict)]
        layers += sum(len(found) for found in lists if isinstance(found, list))
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    if depth > MOST_CONFIG_DEPTH:
        raise _refusal(path, _DEPTH_RULE, f"{depth:,}")
    if layers > MOST_LAYERS:
        raise _refusal(path, f"have at most {MOST_LAYERS:,} layers", f"{layers:,}")
