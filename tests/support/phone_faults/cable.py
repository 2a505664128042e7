"""Cables that come off, and an adb server that dies."""

from __future__ import annotations

import time

from android_benchmark.emulator import (
    DropConnection,
    Reply,
)
from tests.support.phone_faults.stage import GOOD, HELP, Stage, scenario, wait_until


@scenario("Unplugged during a push, back again", "Trying again", exit_code=0, kept=2)
def unplugged_in_push(stage: Stage) -> None:
    stage.phone.inject(DropConnection(after_bytes=stage.models[0].stat().st_size // 2))


@scenario("Unplugged during a run, back again", "Trying again", exit_code=0, kept=2)
def unplugged_in_run(stage: Stage) -> None:
    stage.replies = [HELP, Reply(GOOD, delay_s=1.0)]

    def pull_the_cable() -> None:
        stage.phone.unplug()
        time.sleep(0.5)
        stage.phone.plug()

    stage.while_running(pull_the_cable)


@scenario(
    "Unplugged during the second run, for good",
    "Failed on 127",
    exit_code=1,
    kept=1,
    changed=True,
)
def unplugged_for_good(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    stage.reply_to_second(Reply(hang=True))
    results = stage.folder / "results"

    def wait_for_the_first() -> None:
        wait_until(lambda: any(results.glob("benchmark-*.json")))
        time.sleep(0.3)
        stage.phone.unplug()

    stage.later(0, wait_for_the_first)


@scenario("The adb server is killed during a run", "Trying again", exit_code=0, kept=2)
def server_killed(stage: Stage) -> None:
    stage.replies = [HELP, Reply(GOOD, delay_s=1.0)]
    stage.while_running(lambda: stage.server.run("kill-server"))
