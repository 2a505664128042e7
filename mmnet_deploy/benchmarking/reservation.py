"""One measurement at a time on a phone: two would disturb each other, and end each other's runs.

The lock is on this computer, by the phone's serial. Who measures from another computer, or reaches
the phone by a second serial, is not seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from android_benchmark.errors import DeviceNotReadyError
from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import FolderInUseError, locked

SHARED = Path("/tmp")
"""Where locks lie: the same folder for every command, whatever variables it has. `tempfile` names
one that goes with the command."""


@contextlib.contextmanager
def reserved(serial: str) -> Iterator[None]:
    """Use a phone as the only process of this user.

    Where no lock can be made, as in a folder for temporary files that is read-only, the phone is
    used without one.

    Raises:
        DeviceNotReadyError: Another process uses it, which the message names.
    """
    name = hashlib.sha256(serial.encode(errors="surrogateescape")).hexdigest()[:16]
    folder = SHARED / f"mmnet-deploy-{os.getuid()}-phone-{name}"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder))
        except FolderInUseError as error:
            raise DeviceNotReadyError(
                f"The phone {serial} is in use by {error.who}, and two measurements at once "
                "disturb each other: wait until it ends."
            ) from error
        except OutputError:
            pass
        yield
