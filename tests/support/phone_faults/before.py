"""What goes wrong before a phone is reached."""

from __future__ import annotations

import socket
import threading

from android_benchmark.emulator import (
    EmulatedPhone,
    Offline,
)
from tests.support.phone_faults.stage import Stage, scenario, wait_until


@scenario(
    "There is no adb", "no adb program. Install Android's platform tools", exit_code=1, kept=0
)
def no_adb(stage: Stage) -> None:
    stage.environment["PATH"] = str(stage.folder)


@scenario(
    "An adb server of another version that cannot be replaced",
    "stop other adb servers",
    exit_code=1,
    kept=0,
)
def other_server(stage: Stage) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stage.environment["ANDROID_ADB_SERVER_PORT"] = str(listener.getsockname()[1])

    def serve() -> None:
        for _ in range(40):
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(64)
                if b"version" in request:
                    connection.sendall(b"OKAY00040001")

    threading.Thread(target=serve, daemon=True).start()


@scenario("No such serial", r"no phone R58M\. Connected: 127\.0\.0\.1", exit_code=2, kept=0)
def no_such_serial(stage: Stage) -> None:
    stage.options = ["--device", "R58M"]


@scenario(
    "Several phones, none chosen", "which phone, since there are several", exit_code=2, kept=0
)
def several(stage: Stage) -> None:
    second = stage.until_the_end.enter_context(EmulatedPhone())
    stage.server.connect(second.serial)
    stage.options = []


@scenario("No phone at all", "No phone is connected", exit_code=2, kept=0)
def none_connected(stage: Stage) -> None:
    stage.server.run("disconnect", stage.phone.serial)
    stage.options = []


@scenario("Not authorized", "unlock the phone and accept", exit_code=1, kept=0, keys=())
def unauthorized(stage: Stage) -> None:
    wait_until(lambda: stage.server.states().get(stage.phone.serial) == "unauthorized")


@scenario("Offline", "offline: plug it in again", exit_code=1, kept=0)
def offline(stage: Stage) -> None:
    stage.phone.inject(Offline())
    wait_until(lambda: stage.server.states().get(stage.phone.serial) == "offline")
