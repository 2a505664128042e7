"""Keeping the screen on, and putting back what that changed."""

from __future__ import annotations

import shlex
import threading

import pytest

from android_benchmark import Settings, errors
from android_benchmark.emulator import KeepSettings
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


def test_a_phone_that_keeps_a_changed_setting_is_an_error(start, tmp_path, model):
    """The message has the command that puts it back, and the note stays for the next session."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.inject(KeepSettings())
    with pytest.raises(errors.NotPutBackError) as raised:
        phone.close()
    emulated.clear(KeepSettings)
    command = shlex.split(str(raised.value).partition("with: ")[2])
    assert command[:4] == ["adb", "-s", emulated.serial, "shell"]
    phone._device.shell(command[4])
    assert awake_settings(emulated) == AWAKE
    phone._awake(phone._device).restore()
    assert not phone._awake(phone._device).restore()


def test_a_phone_that_refused_the_change_has_nothing_to_put_back(start, tmp_path, model):
    """Some makers let no shell change settings: then none is changed, and nothing is wrong."""
    emulated, phone, _ = start(tmp_path, faults=[KeepSettings()])
    phone.measure(model, Settings(), RULES)
    phone.close()
    assert awake_settings(emulated) == AWAKE


def test_a_session_that_runs_nothing_puts_back_what_a_lost_one_had_changed(
    start, server, tmp_path, model
):
    """It only asked the phone what it is; the user is told."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)  # and never closed
    news: list[str] = []
    idle = Phone(Adb(environment=server.environment), emulated.serial, None, tell=news.append)
    idle.facts()
    idle.close()
    idle.close()
    assert awake_settings(emulated) == AWAKE
    assert news == [f"{emulated.serial}: put back what a lost session had changed."]


@pytest.mark.parametrize("said", ["", "cmd: Failure calling service", "1; reboot", "12e3"])
def test_a_setting_that_cannot_be_read_is_not_changed(start, server, tmp_path, said):
    """What is not a number could not be put back."""
    emulated, _, _ = start(tmp_path)
    emulated.device.settings["system", "screen_off_timeout"] = said
    awake = Awake(
        AdbDevice(Adb(environment=server.environment), emulated.serial), "/sdcard/changed"
    )
    awake.keep()
    assert emulated.device.settings["system", "screen_off_timeout"] == said
    assert awake.restore()
    assert awake_settings(emulated)["global", "stay_on_while_plugged_in"] == "0"
