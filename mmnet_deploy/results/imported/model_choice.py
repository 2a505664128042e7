"""Which of the given model files a run measured; never a guess."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.results.imported.run import ForeignRun, file_name
from mmnet_deploy.tflite.card import ModelFile, describe

_LONGEST_NAME = 255
"""Characters. File systems take no longer name."""


@dataclasses.dataclass(frozen=True)
class GivenModel:
    """A model file, and the name that it had where it was measured."""

    name: str
    file: ModelFile


def given_models(words: Sequence[str]) -> tuple[GivenModel, ...]:
    """The files of `--model`: `FILE.tflite`, or `NAME=FILE.tflite` where it had another name.

    Raises:
        UsageError: Two files have one name.
        ModelFileError: One cannot be read.
    """
    models: dict[str, GivenModel] = {}
    for word in words:
        name, equals, path = word.partition("=")
        renamed = bool(equals and file_name(name) and path) and not Path(word).exists()
        file = describe(Path(path if renamed else word))
        model = GivenModel(file_name(name) if renamed else file.name, file)
        other = models.setdefault(model.name, model)
        if other.file.sha256 != file.sha256:
            raise UsageError(
                f"`--model` must name files of different names, since results are matched by name. "
                f"Received: two files {model.name}; import their results one after the other."
            )
    return tuple(models.values())


def model_of(run: ForeignRun, models: Sequence[GivenModel]) -> ModelFile:
    """The model file that a run measured.

    Raises:
        ResultError: None is, or it is not known which; the message does not name the file.
    """
    said = run.model_name
    called = said if len(said) <= _LONGEST_NAME else f"{said[:60]}…"
    if not models:
        which = f", which was called {called}" if said else ""
        raise ResultError(f"give the file that was measured{which}, with --model FILE.tflite")
    names = ", ".join(model.name for model in models[:3]) + ", …" * (len(models) > 3)
    if said:
        found = [model for model in models if model.name == said]
        if not found:
            raise ResultError(
                f"it measured {called}, and --model gives {names}. If that is the same file under "
                f"another name, give --model {shlex.quote(f'{called}=FILE.tflite')}"
            )
        if not _fits(run, found[0].file):
            raise ResultError(
                f"it measured a {called} of about {_size(run)}, and the one of --model has "
                f"{found[0].file.size_bytes} bytes: give the very file that was measured"
            )
        return found[0].file
    fitting = [model for model in models if _fits(run, model.file)]
    if len(fitting) == 1:
        return fitting[0].file
    if not fitting:
        raise ResultError(
            f"it measured a model of about {_size(run)}, and --model gives {names} of "
            f"{', '.join(str(model.file.size_bytes) for model in models[:3])} bytes"
        )
    raise ResultError(
        f"it does not say which model it measured, and --model gives {names}: import it alone with "
        "the --model that it is of"
    )


def _fits(run: ForeignRun, model: ModelFile) -> bool:
    """Whether the size of a model is the one that the run's file says, if it says any."""
    return run.model_bytes is None or run.model_bytes[0] <= model.size_bytes <= run.model_bytes[1]


def _size(run: ForeignRun) -> str:
    low, high = run.model_bytes or (0.0, 0.0)
    return f"{(low + high) / 2:.0f} bytes"
