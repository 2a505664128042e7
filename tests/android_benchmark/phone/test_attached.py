"""Which phones are attached."""

from __future__ import annotations

import time

from android_benchmark.emulator import EmulatedPhone
from android_benchmark.phone import attached_phones
from tests.support.emulated import needs_adb

pytestmark = needs_adb


def test_attached_phones_are_described(start, server, tmp_path):
    """A phone that is ready says what it is; another one what to do about it."""
    emulated, phone, _ = start(tmp_path)
    with EmulatedPhone(keys=()) as locked:
        server.connect(locked.serial)
        deadline_s = time.monotonic() + 20
        while server.states().get(locked.serial) != "unauthorized":
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        found = {one.serial: one for one in attached_phones(phone.adb)}
        server.run("disconnect", locked.serial)
    assert found[emulated.serial].facts.processor == "msm8996"
    assert found[emulated.serial].state == "device"
    assert found[locked.serial].facts is None
    assert "accept" in found[locked.serial].advice
