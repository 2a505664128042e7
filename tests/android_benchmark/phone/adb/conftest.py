"""An emulated phone that a server of our own knows, and the class under test."""

from __future__ import annotations

import pytest

from android_benchmark.emulator import EmulatedPhone
from android_benchmark.phone import Adb


@pytest.fixture
def phone(server):
    """A phone that the server knows."""
    with EmulatedPhone() as phone:
        server.connect(phone.serial)
        yield phone
        server.run("disconnect", phone.serial)


@pytest.fixture
def adb(server):
    """The class under test, on that server."""
    return Adb(environment=server.environment)
