"""The network whose mattes a training learns from."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.mattes.matting import Matting, open_model
from mmnet_deploy.networks import network, origin
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.synthetic.scene import portrait
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.tflite import card

TRIED_PX = 64
"""Height and width of the drawn portrait that a teacher is tried on."""

VERSION = 1
"""Version of how a teacher is shown pictures and its mattes are kept."""


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A teacher that is ready to compute mattes.

    Attributes:
        name: As `RunConfig.teacher_name`.
        matting: Computes its mattes: it knows which size and range the network takes, and what
            its output means.
        folder: Name of the folder for its mattes. Another network, and the same one with
            another meaning of its input and output, have another folder.
    """

    name: str
    matting: Matting
    folder: str


def described(config: RunConfig) -> RunConfig:
    """The configuration with name, hash and licence of its teacher, if it has one.

    Those that it has already are kept.

    Raises:
        ModelFileError: There is no such network.
    """
    if not config.teacher or config.teacher_sha256:
        return config
    path = _file(Path(config.teacher))
    digest = _digest(path)
    trained_from = ""
    if not card.is_tflite(path) and Run(path.parent).exists:
        trained_from = Run(path.parent).read_config().imported_sha256
    known = origin.of(path, digest, trained_from)
    return dataclasses.replace(
        config,
        teacher_name=known.name,
        teacher_sha256=digest,
        teacher_licence=known.licence,
    )


def open_teacher(config: RunConfig, run: Run) -> Teacher | None:
    """The teacher of a training; None if it has none.

    Raises:
        UsageError: What is said of it contradicts it or does not suffice, or it is the student.
        ModelFileError: It is missing, another one than that of the run, or no matting network.
    """
    if not config.teacher:
        return None
    given = Path(config.teacher)
    if run.folder.resolve() in (given.resolve(), given.resolve().parent):
        raise UsageError(
            "`--teacher` must be another run than the one that is trained, `--out`. "
            f"Received: {given} for both."
        )
    if run.exists and not given.exists():
        raise ModelFileError(
            f"The teacher of {run.folder}, {config.teacher_name}, is missing: there is no {given}. "
            "Put it back, or say with --teacher where it is now."
        )
    path = _file(given)
    digest = _digest(path)
    if digest != config.teacher_sha256:
        raise ModelFileError(
            f"{given} is not the teacher that {run.folder} was begun with, {config.teacher_name}: "
            f"SHA-256 {config.teacher_sha256[:12]}…. Received: {digest[:12]}…. Say with --teacher "
            "where that one is, or begin another run."
        )
    meaning = _meaning(config)
    with _as_a_teacher():
        # As a run, which knows what its networks take and give.
        matting = open_model(given if given.is_dir() else path, meaning=meaning)
        # What is no alpha is noticed before any picture is read.
        matting.matte(portrait(0, 0, TRIED_PX)[0])

    def infer(tensor: Any) -> NDArray[np.float32]:
        with _as_a_teacher():
            return matting.infer(tensor)

    _refuse_itself(config, path)
    said = repr((VERSION, digest, dataclasses.astuple(meaning)))
    key = hashlib.sha256(said.encode()).hexdigest()[:32]
    return Teacher(config.teacher_name, dataclasses.replace(matting, infer=infer), key)


@contextlib.contextmanager
def _as_a_teacher() -> Iterator[None]:
    """Within, messages about a model have the options as a teacher has them."""
    try:
        yield
    except (UsageError, ModelFileError) as error:
        text = re.sub(
            r"--(output-size|output|alpha-channel|input-range)\b", r"--teacher-\1", str(error)
        )
        if not text.startswith("`--teacher"):
            text = f"The teacher cannot be used: {text}"
        raise type(error)(text) from error


def _meaning(config: RunConfig) -> Meaning:
    """What was said of the teacher."""
    size, ends = config.teacher_output_size, config.teacher_input_range
    return Meaning(
        output=config.teacher_output,
        alpha_channel=config.teacher_alpha_channel,
        output_size=None if size is None else (int(size[0]), int(size[1])),
        input_range=None if ends is None else (ends[0], ends[1]),
    )


def _file(path: Path) -> Path:
    """The file of a network, the recommended one of a run, or the folder of a SavedModel."""
    rule = "it must be a .tflite file, a run or another network"
    if not path.exists():
        raise ModelFileError(f"There is no teacher {path}: {rule}.")
    if not path.is_dir() or (path / "saved_model.pb").exists():
        return path
    if not Run(path).exists:
        raise ModelFileError(f"The teacher {path} is a folder without a network: {rule}.")
    return Run(path).weights()


def _digest(path: Path) -> str:
    try:
        return network.describe(path).sha256
    except OSError as error:
        raise ModelFileError(f"The teacher {path} cannot be read.") from error


def _refuse_itself(config: RunConfig, path: Path) -> None:
    """Refuse a student that begins with the teacher's weights and has its mattes alone.

    Raises:
        UsageError: It would.
    """
    if config.data or not config.initial_weights:
        return
    source = Path(config.initial_weights)
    first = Run(source).weights() if source.is_dir() else source
    teaching = Run(path.parent)
    if not first.is_file() or sha256(first) != config.teacher_sha256 or not teaching.exists:
        return
    known = teaching.read_config()
    theirs = (known.family, known.width_multiplier, known.picture_size)
    if theirs == (config.family, config.width_multiplier, config.picture_size):
        raise UsageError(
            "`--teacher` must be another network than the one that is trained: what begins with "
            "the teacher's own weights has nothing to learn from its mattes alone. Give `--data` "
            "too, or another teacher."
        )
