"""An emulated phone, the device under test that drives it, and a model."""

from __future__ import annotations

import pytest

from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import stand_in
from android_benchmark.phone import Adb, Phone


@pytest.fixture(scope="module")
def server():
    """An adb server of our own."""
    with private_adb_server() as server:
        yield server


@pytest.fixture
def start(server):
    """Start an emulated phone, and the device under test that drives it."""
    started = []

    def make(folder, *, stop=None, **options):
        emulated = EmulatedPhone(**options).start()
        started.append(emulated)
        server.connect(emulated.serial)
        adb = Adb(environment=server.environment, stop=stop)
        engine = stand_in.write_stand_in(folder / "engine")
        news: list[str] = []
        phone = Phone(adb, emulated.serial, engine, tell=news.append, patience_s=10.0)
        return emulated, phone, news

    yield make
    for emulated in started:
        server.run("disconnect", emulated.serial)
        emulated.close()


@pytest.fixture
def model(tmp_path):
    """Something to push; no engine here looks into it."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"a model" * 1000)
    return path
