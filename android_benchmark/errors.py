"""Everything that can go wrong between here and a phone.

    HarnessError
    ├── AdbMissingError            there is no adb program
    ├── AdbServerError             the adb server does not start, or not the one that answers
    ├── DeviceChoiceError          no phone, several, or none of that serial
    ├── DeviceNotReadyError        stable: a person has to do something first
    │   ├── UnauthorizedError          the phone has not accepted this computer's key
    │   └── NoPermissionsError         the system does not let this user at the phone
    ├── TransientError             may be gone on the next try
    │   ├── OfflineError               the phone does not answer adb
    │   ├── TransportLostError         the connection broke, or the output was cut short
    │   └── TimedOutError              no answer within the bound
    └── RemoteError                stable: the phone said no
        ├── NoSpaceError               its disk is full
        └── NotWritableError           it does not let a shell write there

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
    """The system does not let this user at the phone."""


class TransientError(HarnessError):
    """It may be gone on the next try."""


class OfflineError(TransientError):
    """The phone is listed but does not answer."""


class TransportLostError(TransientError):
    """The connection to the phone broke, or its output ends before the command's end."""


class TimedOutError(TransientError):
    """No answer within the bound."""


class RemoteError(HarnessError):
    """The phone refused, and will refuse again."""


class NoSpaceError(RemoteError):
    """The phone's disk is full."""


class NotWritableError(RemoteError):
    """The phone does not let a shell write there."""
