"""Phones that say no."""

from __future__ import annotations

import shutil

from android_benchmark.emulator import (
    DiskFull,
    NoExecution,
)
from tests.support.phone_faults.stage import Stage, scenario


@scenario("No space left", "No space is left|No space left", exit_code=1, kept=0)
def disk_full(stage: Stage) -> None:
    stage.phone.inject(DiskFull(free_bytes=stage.models[0].stat().st_size // 2))


@scenario("/data/local/tmp cannot be written", "may not write", exit_code=1, kept=0)
def not_writable(stage: Stage) -> None:
    folder = stage.phone.root / "data/local/tmp"
    shutil.rmtree(folder)
    folder.symlink_to("/system")  # which is read-only


@scenario("/data/local/tmp is mounted noexec", "runs no programs", exit_code=1, kept=0)
def no_execution(stage: Stage) -> None:
    stage.phone.inject(NoExecution())


@scenario("An engine for another processor", "built for x86_64, and the phone", exit_code=1, kept=0)
def wrong_abi(stage: Stage) -> None:
    stage.engine = b"\x7fELF\x02\x01\x01" + bytes(11) + (62).to_bytes(2, "little") + bytes(44)
