"""The TFLite runtime that runs files here, of those that are installed.

ai-edge-litert is used if it is installed, else the classic tflite-runtime, else TensorFlow's
own; `MMNET_RUNTIME` chooses another one. They run the same files at different speeds: for one,
tflite-runtime 2.14 does not give int8 graphs to XNNPACK. So every result records the runtime and
the delegate.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import importlib.metadata
import importlib.util
import io
import os
from types import ModuleType

from mmnet_deploy.errors import MissingDependencyError, UsageError

VARIABLE = "MMNET_RUNTIME"
"""The environment variable that names the runtime."""

_MOST_WORDS = 160


@dataclasses.dataclass(frozen=True)
class _Runtime:
    """A runtime that may be installed.

    Attributes:
        package: As pip knows it.
        module: Of its interpreter.
        most_numpy: The newest major version of numpy that all its releases work with; None for
            any.
        install: How to install it.
    """

    package: str
    module: str
    install: str
    most_numpy: int | None = None

    @property
    def installed(self) -> bool:
        """Whether it is there, be it usable or not."""
        try:
            return importlib.util.find_spec(self.module.partition(".")[0]) is not None
        except (ImportError, ValueError):
            return False

    def load(self) -> ModuleType:
        """Its interpreter's module.

        Raises:
            MissingDependencyError: It is installed but does not start.
        """
        if self.most_numpy is not None:
            numpy = importlib.metadata.version("numpy")
            if int(numpy.partition(".")[0]) > self.most_numpy:
                raise MissingDependencyError(
                    f"{self.named} needs numpy {self.most_numpy}, and numpy {numpy} is installed: "
                    f"pip install 'numpy<{self.most_numpy + 1}'"
                )
        try:
            # Extension modules of other versions write pages to standard error before they fail.
            with contextlib.redirect_stderr(io.StringIO()):
                return importlib.import_module(self.module)
        except Exception as error:  # Of a damaged or foreign build it can be anything.
            words = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
            raise MissingDependencyError(
                f"{self.named} is installed but does not start ({words[:_MOST_WORDS]}). "
                f"Install it again: {self.install}"
            ) from error

    @property
    def named(self) -> str:
        """Package and version, as in `ai-edge-litert 2.3.0`."""
        try:
            return f"{self.package} {importlib.metadata.version(self.package)}"
        except importlib.metadata.PackageNotFoundError:
            return self.package


_RUNTIMES = {
    "litert": _Runtime(
        "ai-edge-litert", "ai_edge_litert.interpreter", "pip install ai-edge-litert"
    ),
    "tflite-runtime": _Runtime(
        "tflite-runtime",
        "tflite_runtime.interpreter",
        "pip install 'mmnet-deploy[tflite-runtime]', for Python 3.10 and 3.11",
        most_numpy=1,
    ),
    "tensorflow": _Runtime(
        "tensorflow",
        "tensorflow.lite.python.interpreter",
        "pip install 'mmnet-deploy[convert]'",
    ),
}
"""By the names that `MMNET_RUNTIME` takes, in the order in which they are tried."""


def _wanted() -> list[_Runtime]:
    """The one that was chosen, or all.

    Raises:
        UsageError: `MMNET_RUNTIME` names none.
    """
    name = os.environ.get(VARIABLE, "").strip()
    if not name:
        return list(_RUNTIMES.values())
    if name not in _RUNTIMES:
        raise UsageError(f"`{VARIABLE}` must be {', '.join(_RUNTIMES)} or empty. Received: {name}.")
    return [_RUNTIMES[name]]


@functools.cache
def _found() -> tuple[ModuleType, str]:
    """The interpreter's module, and package and version."""
    wanted = _wanted()
    refusals = []
    for candidate in wanted:
        if candidate.installed:
            try:
                return candidate.load(), candidate.named
            except MissingDependencyError as error:
                refusals.append(str(error))
    if refusals:
        raise MissingDependencyError(" ".join(refusals))
    if len(wanted) == 1:
        raise MissingDependencyError(
            f"{VARIABLE} asks for {wanted[0].package}, which is not installed. "
            f"Install it: {wanted[0].install}"
        )
    raise MissingDependencyError(
        f"No TFLite runtime is installed. Install one: {wanted[0].install}"
    )


def runtime() -> ModuleType:
    """The module of the interpreter.

    Raises:
        MissingDependencyError: No runtime is installed and starts, or not the chosen one.
        UsageError: `MMNET_RUNTIME` names none.
    """
    return _found()[0]


def runtime_name() -> str:
    """Package and version of the runtime, as in `ai-edge-litert 2.3.0`.

    Raises:
        MissingDependencyError, UsageError: As `runtime`.
    """
    return _found()[1]
