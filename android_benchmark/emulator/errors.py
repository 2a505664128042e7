"""What the emulator raises.

EmulatorError
├── ProtocolError       the other side broke the adb protocol; its connection is closed
├── StreamClosedError   the other side closed a stream that was still read or written
├── ProfileError        a profile folder cannot be read
├── EngineError         a scripted engine's description is not valid
├── Arm64MissingError   real arm64 programs cannot be run on this computer
└── AdbError            the adb program did not do what was asked
    └── AdbNotFoundError    there is no adb program
"""

from __future__ import annotations


class EmulatorError(Exception):
    """Base of all errors of the emulated phone."""


class ProtocolError(EmulatorError):
    """The other side broke the adb protocol."""


class StreamClosedError(EmulatorError):
    """The stream was closed while it was read or written."""


class ProfileError(EmulatorError):
    """A profile folder lacks a file, or a line of one cannot be read."""


class EngineError(EmulatorError):
    """The description of a scripted engine is not valid."""


class Arm64MissingError(EmulatorError):
    """Real arm64 programs cannot be run on this computer.

    Attributes:
        missing: What is missing and how to get it, one line each.
    """

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"To run arm64 programs on the emulated phone, get {'; '.join(missing)}")
        self.missing = missing


class AdbError(EmulatorError):
    """The adb program failed or did not answer."""


class AdbNotFoundError(AdbError):
    """There is no adb program on this computer."""
