"""Everything that can go wrong between here and a phone.

    HarnessError
    ├── AdbMissingError            there is no adb program
    ├── AdbServerError             the adb server does not start, or is of another version
    ├── DeviceChoiceError          no phone, several, or none of that serial
    ├── DeviceNotReadyError        stable: a person has to do something first
    │   ├── UnauthorizedError          the phone has not accepted this computer's key
    │   └── NoPermissionsError         this user may not use the USB device
    ├── TransientError             may be gone on the next try
    │   ├── OfflineError               the phone does not answer adb
    │   ├── TransportLostError         the connection broke, or the output was cut short
    │   ├── TimedOutError              no answer within the bound
    │   └── OutputCutError             the engine's output lacks its end
    ├── RemoteError                stable: the phone refused
    │   ├── NoSpaceError               its disk is full
    │   ├── NotWritableError           it does not let a shell write there
    │   ├── NotExecutableError         it does not run programs there, or not of that kind
    │   └── NotPutBackError            what was changed on it is still changed
    ├── EngineError                stable: the program that runs the models
    │   ├── EngineFileError            there is none, or it is built for another processor
    │   ├── EngineCrashedError         a signal ended it
    │   ├── EngineHungError            it did not end in time
    │   ├── OutOfMemoryError           the system killed it, or gave it no memory
    │   ├── ModelRefusedError          it does not accept the model
    │   ├── DelegateMissingError       it has no such delegate, or cannot use it here
    │   ├── NoOutputsError             it cannot hand out what a model computes
    │   └── UnreadableOutputError      what it printed is not what such a program prints
    └── StoppedError               somebody asked to stop

Only what is transient is worth another try. A message is one line that says what
happened and what to do.
"""

from __future__ import annotations


class HarnessError(Exception):
    """Base of all errors of the phone harness."""


class AdbMissingError(HarnessError):
    """There is no adb program."""


class AdbServerError(HarnessError):
    """The adb server does not start, or is of another version than the program."""


class DeviceChoiceError(HarnessError):
    """No phone, several to choose from, or none of that serial."""


class DeviceNotReadyError(HarnessError):
    """A person has to do something before the phone can be used."""


class UnauthorizedError(DeviceNotReadyError):
    """The phone has not accepted this computer's key."""


class NoPermissionsError(DeviceNotReadyError):
    """This user may not use the USB device."""


class TransientError(HarnessError):
    """It may be gone on the next try."""


class OfflineError(TransientError):
    """The phone is listed but does not answer."""


class TransportLostError(TransientError):
    """The connection to the phone broke, or its output ends before the command's end."""


class TimedOutError(TransientError):
    """No answer within the bound."""


class OutputCutError(TransientError):
    """The engine ended, but its output lacks its end."""


class RemoteError(HarnessError):
    """The phone refused, and will refuse again."""


class NoSpaceError(RemoteError):
    """The phone's disk is full."""


class NotWritableError(RemoteError):
    """The phone does not let a shell write there."""


class NotExecutableError(RemoteError):
    """The phone does not run programs from that folder, or not programs of that kind."""


class NotPutBackError(RemoteError):
    """What was changed on the phone is still changed; the message says how to put it back."""


class EngineError(HarnessError):
    """The program that runs the models failed, and would fail again."""


class EngineFileError(EngineError):
    """There is no such program here, or it is built for another processor."""


class EngineCrashedError(EngineError):
    """A signal ended it."""


class EngineHungError(EngineError):
    """It did not end in time, and was killed."""


class OutOfMemoryError(EngineError):
    """The system killed it, or gave it no memory."""


class ModelRefusedError(EngineError):
    """It does not accept the model."""


class DelegateMissingError(EngineError):
    """It has no such delegate, or cannot use it on this phone."""


NO_RUNNER = (
    "hands out none; LiteRT's run_model beside it does: `engines get --for outputs` gets it, or "
    "give a folder with both to `--engine-binary`"
)
"""How the reason ends why an engine without a program for outputs has none."""


class NoOutputsError(EngineError):
    """It cannot hand out what a model computes, or not under these settings."""


class UnreadableOutputError(EngineError):
    """What it printed is not what such a program prints."""


class StoppedError(HarnessError):
    """Somebody asked to stop; what was changed on the phone is put back."""


def refusal(said: str, where: str) -> RemoteError:
    """The error that a command's own words stand for.

    Args:
        said: What the command printed.
        where: The phone and the folder, for the message.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    no_space, no_access = "No space left", ("Permission denied", "Read-only", "not permitted")
    telling = [line for line in lines if any(words in line for words in (no_space, *no_access))]
    line = (telling or lines or ["no reason was given"])[-1].rstrip(".")
    if no_space in said:
        return NoSpaceError(
            f"No space is left on {where} ({line}). Free some space; `bench --clean` removes what "
            "`bench` put there."
        )
    if telling:
        return NotWritableError(
            f"A shell may not write to {where} ({line}): check its owner and permissions."
        )
    return RemoteError(f"{where}: {line}.")
