"""What phones and their shells say, and names and files on this computer."""

from __future__ import annotations

import shutil
from pathlib import Path

from android_benchmark.emulator import (
    Greeting,
    LinkerWarning,
)
from tests.support.phone_faults.stage import Stage, scenario


@scenario(
    "The shell greets, and every program is warned of by the linker (Android 6)",
    "Results are in",
    exit_code=0,
    kept=2,
    sdk=23,
)
def chatty(stage: Stage) -> None:
    stage.phone.inject(Greeting("Welcome\n0-7\n", "Bye\n"), LinkerWarning())


@scenario("A serial with blanks, in ANDROID_SERIAL", "Results are in", exit_code=0, kept=2)
def serial_with_blanks(stage: Stage) -> None:
    # adb names phones so that it finds by mDNS a second time; here a script stands before it.
    alias = "adb-R5CT (2)._adb-tls-connect._tcp"
    script = stage.folder / "bin" / "adb"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\nleft=$#\nwhile [ $left -gt 0 ]; do\n"
        f'word=$1; shift; [ "$word" = "{alias}" ] && word={stage.phone.serial}\n'
        'set -- "$@" "$word"; left=$((left - 1))\ndone\nunset ANDROID_SERIAL\n'
        f'[ "$1" = devices ] || exec {stage.server.adb} "$@"\n'
        f'{stage.server.adb} "$@" | sed "s/{stage.phone.serial}/{alias}/"\n'
    )
    script.chmod(0o755)
    stage.environment["PATH"] = f"{script.parent}:{stage.environment['PATH']}"
    stage.environment["ANDROID_SERIAL"] = alias
    stage.options = []


@scenario("Models with names of 240 bytes", "Results are in", exit_code=0, kept=2)
def long_names(stage: Stage) -> None:
    names = (f"{kind * 233}.tflite" for kind in "ab")
    copies = [
        Path(shutil.copy(model, stage.folder / name))
        for model, name in zip(stage.models, names, strict=True)
    ]
    stage.models = (copies[0], copies[1])


@scenario(
    "`--resume` among JSON files of other programs",
    "Skipped .*package.json",
    exit_code=0,
    kept=2,
)
def foreign_json(stage: Stage) -> None:
    results = stage.folder / "results"
    results.mkdir()
    for name, text in {"package": '{"name": "x"}', "list": "[1]", "empty": "", "cut": "{"}.items():
        (results / f"{name}.json").write_text(text)
    stage.options += ["--resume"]
