"""Keeping the screen on, and putting back what that changed."""

from __future__ import annotations

import threading

from android_benchmark import Settings
from android_benchmark.engines import stand_in
from android_benchmark.phone import Adb, Phone
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.awake import Awake
from tests.support.emulated import AWAKE, RULES, awake_settings, needs_adb

pytestmark = needs_adb


def test_the_screen_is_kept_on_and_put_back(start, tmp_path, model):
    """A screen that was off is off again, and every setting has its first value."""
    emulated, phone, _ = start(tmp_path)
    emulated.device.screen.on = False
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.before.screen_on and outcome.after.screen_on
    assert awake_settings(emulated) != AWAKE
    phone.close()
    assert awake_settings(emulated) == AWAKE
    assert not emulated.device.screen.on


def test_a_setting_that_was_not_there_is_deleted_again(start, tmp_path, model):
    """`null` is not written as a value."""
    emulated, phone, _ = start(tmp_path)
    del emulated.device.settings["system", "screen_off_timeout"]
    phone.measure(model, Settings(), RULES)
    phone.close()
    assert ("system", "screen_off_timeout") not in emulated.device.settings


def test_what_an_earlier_computer_left_changed_is_put_back(start, server, tmp_path, model):
    """The first state counts, however often the harness died in between."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)  # and never closed
    engine = stand_in.write_stand_in(tmp_path / "another")
    again = Phone(Adb(environment=server.environment), emulated.serial, engine)
    again.measure(model, Settings(), RULES)
    again.close()
    assert awake_settings(emulated) == AWAKE


def test_restoring_twice_does_nothing_more(start, server, tmp_path):
    """There is nothing noted the second time."""
    emulated, _, _ = start(tmp_path)
    device = AdbDevice(Adb(environment=server.environment), emulated.serial)
    awake = Awake(device, "/data/local/tmp/changed")
    awake.keep()
    assert awake.restore()
    assert not awake.restore()
    assert awake_settings(emulated) == AWAKE


def test_what_was_changed_is_put_back_after_a_lost_connection(start, tmp_path, model):
    """The phone is waited for, then everything is as it was."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.unplug()
    threading.Timer(0.5, emulated.plug).start()
    phone.close()
    assert awake_settings(emulated) == AWAKE
