"""What the tests of a phone share: brief rules, and the settings of a phone that is left alone."""

import shutil

import pytest

from android_benchmark import RunRules

needs_adb = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)
RULES = RunRules(min_runs=1, min_duration_s=0.0)
AWAKE = {
    ("global", "stay_on_while_plugged_in"): "0",
    ("system", "screen_off_timeout"): "60000",
}
"""The settings that keep a screen on, as an emulated phone has them at first."""


def awake_settings(emulated):
    """What an emulated phone has of them now."""
    return {key: emulated.device.settings.get(key) for key in AWAKE}


def listed_state(adb, serial):
    """What adb says of a phone; None where it does not list it."""
    return next((one.state for one in adb.devices() if one.serial == serial), None)
