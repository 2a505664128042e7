"""Everything that can go wrong in a way that the user can mend.

    MmnetDeployError              exit code 1: the work failed
    ├── UsageError                exit code 2: an argument is wrong
    ├── DataError                 a data set or a picture cannot be used
    ├── ModelFileError            a model file cannot be read, or is of another kind
    │   ├── CrashError            a model ends the process that runs it
    │   └── DelegateRefusedError  a model runs with another delegate only
    ├── OutputError               a file or folder cannot be written
    ├── DownloadError             a file cannot be fetched, or is not what it must be
    ├── MissingDependencyError    an optional package is not installed
    ├── TrainingError             training cannot start, or went wrong
    ├── ConversionError           the converter failed, or its file is not the network
    ├── DeviceError               a phone, its engine or the emulator fails
    ├── IncompleteError           some of several models gave no result
    └── ResultError               stored results cannot be read, joined or drawn

A message is one line that states the rule, what was received and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class MmnetDeployError(Exception):
    """Base of all errors that the command line shows as one line."""

    exit_code = 1


class UsageError(MmnetDeployError):
    """An argument breaks a rule that the message states."""

    exit_code = 2


class DataError(MmnetDeployError):
    """A data set or a picture cannot be used."""


class ModelFileError(MmnetDeployError):
    """A model file cannot be read, or is another kind of network."""


class CrashError(ModelFileError):
    """Loading or running a model ends the process that does it, or never ends."""


class DelegateRefusedError(ModelFileError):
    """A model does not run with the delegate that was asked for, but with another.

    Attributes:
        runs_with: That other: `xnnpack`, or `none` for the built-in kernels.
        reason: The runtime's words on the first.
    """

    def __init__(self, message: str, runs_with: str, reason: str) -> None:
        super().__init__(message)
        self.runs_with = runs_with
        self.reason = reason


class OutputError(MmnetDeployError):
    """A file or folder cannot be written."""


class DownloadError(MmnetDeployError):
    """A file cannot be fetched, or is not what it must be."""


class MissingDependencyError(MmnetDeployError):
    """A package that this command needs is not installed."""


class TrainingError(MmnetDeployError):
    """Training cannot start or continue."""


class ConversionError(MmnetDeployError):
    """The converter failed, or the converted file does not compute the network."""


class DeviceError(MmnetDeployError):
    """A phone, its engine or the emulator fails, or there is no such device.

    Its cause is the error of `android_benchmark`, which says more.
    """


class IncompleteError(MmnetDeployError):
    """Some of several models or runs gave no result.

    Attributes:
        results: Those that there are.
        faults: A name and an error for each that gave none.
    """

    def __init__(
        self, message: str, results: Sequence[Any], faults: Sequence[tuple[str, Exception]]
    ) -> None:
        super().__init__(message)
        self.results = list(results)
        self.faults = list(faults)

    @classmethod
    def of(cls, faults: Sequence[tuple[str, Exception]], results: Sequence[Any]) -> IncompleteError:
        """With the reasons as its message, which is one line."""
        reasons = "; ".join(f"{name}: {' '.join(str(error).split())}" for name, error in faults)
        return cls(f"No result of {reasons}", results, faults)


class ResultError(MmnetDeployError):
    """Stored results cannot be read, joined or drawn."""
