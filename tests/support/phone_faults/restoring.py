"""What can go wrong while a phone gets back what was changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from unittest import mock

from android_benchmark.emulator import (
    KeepSettings,
)
from android_benchmark.phone import Adb
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.awake import Awake
from tests.support.phone_faults.stage import Stage, left_changed, scenario


def _when_put_back(stage: Stage, act: Callable[[], object]) -> None:
    """Do something the moment that `bench` begins to put the phone back."""
    restore, done = Awake.restore, threading.Event()

    def wrapped(awake: Awake) -> bool:
        if stage.kept == 2 and not done.is_set():
            done.set()
            act()
        return restore(awake)

    stage.until_the_end.enter_context(mock.patch.object(Awake, "restore", wrapped))


@scenario(
    "Unplugged while its settings are put back, back again", "Trying again", exit_code=0, kept=2
)
def unplugged_in_put_back(stage: Stage) -> None:
    def pull_the_cable() -> None:
        stage.phone.unplug()
        stage.later(0.5, stage.phone.plug)

    _when_put_back(stage, pull_the_cable)


@scenario(
    "Unplugged while its settings are put back, for good",
    "Failed on .*still changed.*bench --clean --device 127",
    exit_code=1,
    kept=2,
    changed=True,
)
def unplugged_in_put_back_for_good(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    _when_put_back(stage, stage.phone.unplug)


@scenario(
    "The phone does not take its settings back",
    "Failed on .*keeps settings.*adb -s 127.*shell",
    exit_code=1,
    kept=2,
    changed=True,
)
def settings_kept(stage: Stage) -> None:
    _when_put_back(stage, lambda: stage.phone.inject(KeepSettings()))


@scenario(
    "A session was killed before it put things back; `--resume` finds nothing left to measure",
    "put back what a lost session had changed",
    exit_code=0,
    kept=2,
)
def lost_session(stage: Stage) -> None:
    assert stage.run().exit_code == 0
    device = AdbDevice(Adb(environment=stage.environment), stage.phone.serial)
    Awake(device, "/data/local/tmp/mmnet-deploy/changed").keep()
    assert left_changed(stage)
    stage.options += ["--resume"]
