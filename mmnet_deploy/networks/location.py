"""Where a network is: a file or a run folder, told from what is none."""

from __future__ import annotations

from pathlib import Path

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks import keras_archive
from mmnet_deploy.runs.run import VALIDATED, Run, RunConfig
from mmnet_deploy.tflite.card import is_tflite

_NO_HDF5 = "it is not HDF5, or it is damaged"
_PICKLE = "a pickle may run any code; save the network as .keras where it was made"
_ONNX = (
    "the package onnx2tf, in an environment of its own with Python 3.12 or later, makes a .tflite "
    "file of it, FOLDER/FILE_float32.tflite: `onnx2tf -i FILE.onnx -o FOLDER`"
)
_PYTORCH = (
    "it is PyTorch's, and a pickle may run any code; where the network was made, the package "
    "litert-torch makes a .tflite file of the module: "
    "`litert_torch.convert(module.eval(), (torch.rand(1, 3, 256, 256),)).export('FILE.tflite')`"
)
NOT_TAKEN = {
    ".h5": _NO_HDF5,
    ".hdf5": _NO_HDF5,
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".pt": _PYTORCH,
    ".pth": _PYTORCH,
    ".onnx": _ONNX,
}
"""Suffixes of networks in formats that are not loaded, and what to do about each."""


def locate(path: Path) -> tuple[Path, RunConfig | None]:
    """The `.keras` file at `path`, or of the run there, and how it was trained if that is known.

    Raises:
        ModelFileError: There is none, and what to do about a network in another format.
    """
    if path.is_dir():
        run = Run(path)
        if not run.exists:
            raise ModelFileError(
                f"{path} is neither a run folder (it has no config.json) nor a SavedModel "
                "(it has no saved_model.pb)."
            )
        config = run.read_config()
        return run.weights(), config
    if not path.exists():
        raise ModelFileError(f"There is no file or folder {path}.")
    if keras_archive.is_hdf5(path):
        raise ModelFileError(keras_archive.way_from_hdf5(path))
    if path.suffix.lower() in NOT_TAKEN:
        raise ModelFileError(
            f"{path} is refused: {NOT_TAKEN[path.suffix.lower()]}. A network must be a run "
            "folder, a .keras file, a SavedModel folder or, to convert or train, a .tflite file."
        )
    if is_tflite(path):
        raise ModelFileError(
            f"{path} is a .tflite file: a network is needed, such as it was converted from."
        )
    if path.suffix != ".keras":
        raise ModelFileError(f"{path} is neither a run folder, a SavedModel nor a .keras file.")
    run = Run(path.parent)
    ours = run.exists and path in (run.last, *map(run.best_by, VALIDATED))
    return path, run.read_config() if ours else None
