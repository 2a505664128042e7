"""The devices that `--device` names: phones over adb, the emulated phone, this computer."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import mmnet_deploy
from android_benchmark import Device, Settings, emulator
from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import MANIFEST, BenchmarkModel, PhoneEngine, Tflbench
from android_benchmark.engines.stand_in import write_stand_in
from android_benchmark.errors import HarnessError
from android_benchmark.phone import PATIENCE_S, Adb, Phone
from mmnet_deploy.bench.benchmark import check_threads
from mmnet_deploy.bench.host import Host
from mmnet_deploy.bench.shelter import sheltered, undone
from mmnet_deploy.errors import MissingDependencyError, UsageError

HOST, EMULATED = "host", "emulated"
ENGINE_VARIABLE = "MMNET_BENCHMARK_MODEL"
BUNDLE = Path(mmnet_deploy.__file__).resolve().parents[1] / "build" / "engine"
"""Where `tools/build_engine.py` puts our own engine, in a checkout."""


@dataclasses.dataclass(frozen=True)
class Target:
    """A device to measure on.

    Attributes:
        name: As it stands in results: the serial of a phone.
        engine_sha256: Hash of the engine; empty where a result has none.
        pins: Whether programs can be pinned to cores there.
    """

    name: str
    device: Device
    engine_sha256: str = ""
    pins: bool = True


def find_engine(path: Path | None) -> Callable[[], PhoneEngine]:
    """What makes the engine for one phone: of the path, of the environment, or our own.

    Args:
        path: A binary of benchmark_model, a folder with one and its libraries, or the folder of
            a bundle of tflbench.

    Raises:
        UsageError: There is none.
        EngineFileError: It is no engine.
    """
    given, origin = path, "given with --engine-binary"
    if given is None and (text := os.environ.get(ENGINE_VARIABLE)):
        given, origin = Path(text), f"given with {ENGINE_VARIABLE}"
    if given is None:
        if not (BUNDLE / MANIFEST).is_file():
            raise UsageError(
                "`--engine-binary` must be the official benchmark_model for the phone, or "
                f"`{ENGINE_VARIABLE}` must name it. Our own engine can be built instead: run "
                "`python tools/build_engine.py` in a checkout. Received: nothing."
            )
        given = BUNDLE
    chosen = given

    def make() -> PhoneEngine:
        if (chosen / MANIFEST).is_file():
            return Tflbench(chosen)
        return BenchmarkModel(chosen, origin=origin)

    make()  # a fault is found before a phone is touched
    return make


@contextlib.contextmanager
def open_targets(
    names: Sequence[str],
    engine: Path | None,
    *,
    runs_models: bool = True,
    all_devices: bool = False,
    stop: threading.Event,
    tell: Callable[[str], None],
    timeout_s: float | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[tuple[Target, ...]]:
    """The devices of some names; the emulated phone runs as long as the context.

    At its end, phones get back what was changed on them, also by sessions that were lost. No
    interruption leaves anything of the emulated phone or its adb server behind.

    Args:
        names: Serials, `host` and `emulated`; none means the phone that ANDROID_SERIAL
            names, or the only one that is there.
        engine: See `find_engine`; this computer needs none.
        runs_models: Whether phones need an engine at all.
        all_devices: All phones that are ready, besides those of `names`.
        stop: Makes the phones stop what they do.
        tell: Takes a line of news.
        timeout_s: Bound of one run of the engine.
        patience_s: How long a phone may stay away before it is given up.

    Raises:
        UsageError, HarnessError: A device cannot be used; nothing was changed on any.
    """
    stack = contextlib.ExitStack()
    try:
        targets: dict[str, Target] = {}
        serials = [name for name in names if name not in (HOST, EMULATED)]
        if serials or all_devices or not names:
            adb = Adb(stop=stop)
            if all_devices:
                serials += [one.serial for one in adb.devices() if one.state == "device"]
            wanted: list[str | None] = [*serials] or [None]
            chosen = [adb.choose(serial).serial for serial in wanted]
            make = find_engine(engine) if runs_models else lambda: None
            for serial in dict.fromkeys(chosen):
                program = make()
                device = Phone(
                    adb, serial, program, tell=tell, timeout_s=timeout_s, patience_s=patience_s
                )
                targets[serial] = Target(serial, device, program.sha256 if program else "")
        if EMULATED in names:
            targets[EMULATED] = sheltered(
                lambda: _emulated(stack, engine, stop=stop, tell=tell, timeout_s=timeout_s)
            )
        if HOST in names:
            targets[HOST] = Target(HOST, Host(), pins=False)
        stack.callback(_close, phones_of(list(targets.values())), tell)
        yield tuple(targets.values())
    finally:
        undone(stack.close)


def _close(phones: Sequence[Phone], tell: Callable[[str], None]) -> None:
    """Put back what is still changed on phones that no worker has closed."""
    for phone in phones:
        try:
            phone.close()
        except HarnessError as error:
            tell(str(error))


def _emulated(
    stack: contextlib.ExitStack,
    path: Path | None,
    *,
    stop: threading.Event,
    tell: Callable[[str], None],
    timeout_s: float | None,
) -> Target:
    """Start the emulated phone, with an adb server of its own; `stack` ends both."""
    reachable, real = emulator.levels()
    if not reachable.available:
        raise MissingDependencyError("The emulated phone needs: " + "; ".join(reachable.missing))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mmnet-engine-")))
    engine: PhoneEngine
    try:
        if not real.available:
            raise MissingDependencyError("; ".join(real.missing))
        engine = find_engine(path)()
    except (MissingDependencyError, UsageError) as error:
        if path is not None:
            raise
        tell(
            "No real engine can run on the emulated phone, so a stand-in answers, whose "
            f"figures are of no model. For a real one: {error}"
        )
        engine = write_stand_in(folder / "engine")
    try:
        server = stack.enter_context(private_adb_server())
        arm64 = emulator.find_arm64() if real.available else None
        phone = stack.enter_context(EmulatedPhone(arm64=arm64))
        server.connect(phone.serial)
    except emulator.EmulatorError as error:
        raise HarnessError(f"The emulated phone does not start: {error}") from error
    adb = Adb(server.adb, server.environment, stop)
    device = Phone(adb, phone.serial, engine, name=EMULATED, tell=tell, timeout_s=timeout_s)
    return Target(EMULATED, device, engine.sha256)


def phones_of(targets: Sequence[Target]) -> tuple[Phone, ...]:
    """Those that are phones, emulated or not."""
    return tuple(target.device for target in targets if isinstance(target.device, Phone))


def check_settings(targets: Sequence[Target], settings: Sequence[Settings]) -> None:
    """Make sure that every device has the threads and cores, before any is used.

    Raises:
        UsageError, CoresError: One has not.
        HarnessError: A phone does not answer.
    """
    for target in targets:
        for setting in settings:
            check_threads(setting.threads, target.device.facts())
    for phone in phones_of(targets):
        for setting in settings:
            phone.pinned(setting)
