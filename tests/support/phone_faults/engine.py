"""Engines that fail, and models that they refuse."""

from __future__ import annotations

import signal

from android_benchmark.emulator import (
    Reply,
    Throttle,
)
from android_benchmark.engines import stand_in
from tests.support.phone_faults.stage import GOOD, HELP, Stage, scenario


@scenario("The engine crashes", "crashed on .*SIGSEGV", exit_code=1, kept=1)
def crash(stage: Stage) -> None:
    stage.reply_to_second(Reply(signal=signal.SIGSEGV))


@scenario("The engine hangs", "did not end within 2 s and was killed", exit_code=1, kept=1)
def hang(stage: Stage) -> None:
    stage.options += ["--timeout", "2"]
    stage.reply_to_second(Reply(hang=True))


@scenario("Out of memory", "killed .* when memory runs out", exit_code=1, kept=1)
def out_of_memory(stage: Stage) -> None:
    stage.reply_to_second(Reply(signal=signal.SIGKILL))


@scenario("The delegate fails", "Failed to apply GPU delegate", exit_code=1, kept=1)
def delegate_missing(stage: Stage) -> None:
    stage.reply_to_second(
        Reply(
            "STARTING!\n", "ERROR: Failed to apply GPU delegate.\nERROR: Benchmarking failed.\n", 1
        )
    )


@scenario("The delegate is skipped silently", "fell back", exit_code=0, kept=2)
def silent_fallback(stage: Stage) -> None:
    stage.options += ["--delegate", "gpu"]
    stage.replies = [HELP, Reply(stand_in.run_output(stand_in.MISSING["use_gpu"]))]


@scenario("The model is refused", "unresolved custom op: Foo", exit_code=1, kept=1)
def model_refused(stage: Stage) -> None:
    stage.reply_to_second(
        Reply(
            "STARTING!\n",
            "ERROR: Encountered unresolved custom op: Foo.\nERROR: Benchmarking failed.\n",
            1,
        )
    )


@scenario("The output is cut short", "cut short: it lacks", exit_code=1, kept=1)
def cut_short(stage: Stage) -> None:
    stage.options += ["--patience", "1"]
    stage.reply_to_second(Reply(GOOD[: GOOD.index("INFO: count=50")]))


@scenario("The phone throttles", "throttled", exit_code=0, kept=2)
def throttles(stage: Stage) -> None:
    stage.phone.inject(Throttle(temperature_c=70.0, frequency_share=0.5))
