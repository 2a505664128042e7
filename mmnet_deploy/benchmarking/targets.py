"""The devices that `--device` names: phones over adb, the emulated phone, this computer."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from android_benchmark import Device, Settings, emulator
from android_benchmark.emulator import EmulatedPhone, LevelReport, private_adb_server
from android_benchmark.engines import PhoneEngine
from android_benchmark.engines.stand_in import write_stand_in
from android_benchmark.errors import HarnessError
from android_benchmark.phone import PATIENCE_S, Adb, Phone
from mmnet_deploy.benchmarking.benchmark import check_threads
from mmnet_deploy.benchmarking.engines import EngineChoice, OfficialEngines, engine_at
from mmnet_deploy.benchmarking.host import Host
from mmnet_deploy.benchmarking.reservation import reserved
from mmnet_deploy.benchmarking.shelter import sheltered, undone
from mmnet_deploy.engines import own
from mmnet_deploy.engines.releases import UnsupportedAbiError
from mmnet_deploy.errors import DownloadError, MissingDependencyError, OutputError
from mmnet_deploy.progress import Progress, silent

HOST, EMULATED = "host", "emulated"


@dataclasses.dataclass(frozen=True)
class Target:
    """A device to measure on.

    Attributes:
        name: As it stands in results: the serial of a phone.
        engine: What runs models there; None where results name none.
        pins: Whether programs can be pinned to cores there.
    """

    name: str
    device: Device
    engine: PhoneEngine | None = None
    pins: bool = True

    def hashes(self, settings: Settings) -> tuple[str, Mapping[str, str]]:
        """Of the engine and of its libraries, as results with these settings name them."""
        if self.engine is None:
            return "", {}
        return self.engine.sha256, self.engine.libraries_for(settings)


@contextlib.contextmanager
def open_targets(
    names: Sequence[str],
    engine: EngineChoice,
    *,
    runs_models: bool = True,
    all_devices: bool = False,
    stop: threading.Event,
    tell: Callable[[str], None],
    progress: Progress = silent,
    timeout_s: float | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[tuple[Target, ...]]:
    """The devices of some names; the emulated phone runs as long as the context.

    At its end, phones get back what was changed on them, also by sessions that were lost. No
    interruption leaves anything of the emulated phone or its adb server behind.

    Args:
        names: Serials, `host` and `emulated`; none means the phone that ANDROID_SERIAL
            names, or the only one that is there.
        engine: What phones run; this computer needs none. Where nothing is given, real phones
            get the published one, and the emulated phone gets tflbench.
        runs_models: Whether phones need an engine at all.
        all_devices: All phones that are ready, besides those of `names`.
        stop: Makes the phones stop what they do.
        tell: Takes a line of news.
        progress: Told of downloads.
        timeout_s: Bound of one run of the engine.
        patience_s: How long a phone may stay away before it is given up.

    Raises:
        UsageError, HarnessError: A device cannot be used, or another process uses it; nothing was
            changed on any.
        DownloadError, OutputError: The engine cannot be had.
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
            for serial in dict.fromkeys(chosen):
                stack.enter_context(reserved(serial))
            given = engine.given() if runs_models else lambda: None
            published = OfficialEngines(engine, stack, progress=progress, tell=tell)
            for serial in dict.fromkeys(chosen):
                opened = functools.partial(
                    Phone, adb, serial, tell=tell, timeout_s=timeout_s, patience_s=patience_s
                )
                if given is not None:
                    phone = opened(given())
                else:
                    phone = _with_published(opened, published, alone=len(set(chosen)) == 1)
                targets[serial] = Target(serial, phone, phone.engine)
        if EMULATED in names:
            levels = emulator.levels()
            program = _engine_of_emulated(levels, engine, progress, tell)
            targets[EMULATED] = sheltered(
                lambda: _emulated(stack, levels, program, stop=stop, tell=tell, timeout_s=timeout_s)
            )
        if HOST in names:
            targets[HOST] = Target(HOST, Host(), pins=False)
        stack.callback(_close, phones_of(list(targets.values())), tell)
        yield tuple(targets.values())
    finally:
        undone(stack.close)


def _with_published(
    opened: Callable[..., Phone], published: OfficialEngines, *, alone: bool
) -> Phone:
    """A phone with the published engine for it.

    Where there is none for its ABI, and it is not alone, the others are measured all the same.

    Args:
        opened: Gives the phone, with an engine or without one.
        alone: Whether it is the only phone.

    Raises:
        UnsupportedAbiError: There is none, and nothing else to do.
    """
    try:
        return opened(published.make_for(opened(None).facts())())
    except UnsupportedAbiError as error:
        if alone:
            raise
        return opened(None, no_engine=str(error))


def _close(phones: Sequence[Phone], tell: Callable[[str], None]) -> None:
    """Put back what is still changed on phones that no worker has closed."""
    for phone in phones:
        try:
            phone.close()
        except HarnessError as error:
            tell(str(error))


def _engine_of_emulated(
    levels: Sequence[LevelReport],
    choice: EngineChoice,
    progress: Progress,
    tell: Callable[[str], None],
) -> PhoneEngine | None:
    """The engine for the emulated phone; None where only a stand-in can answer, which is told.

    Raises:
        MissingDependencyError: It cannot run at all, or not the engine that was given.
    """
    reachable, real = levels
    if not reachable.available:
        raise MissingDependencyError("The emulated phone needs: " + "; ".join(reachable.missing))
    try:
        if not real.available:
            raise MissingDependencyError("; ".join(real.missing))
        if given := choice.given():
            return given()
        return engine_at(own.bundle(offline=choice.offline, progress=progress, tell=tell), "")()
    except (MissingDependencyError, DownloadError, OutputError) as error:
        if choice.path is not None:
            raise
        tell(
            "No real engine can run on the emulated phone, so a stand-in answers, whose "
            f"figures are of no model. What is missing: {error}"
        )
    return None


def _emulated(
    stack: contextlib.ExitStack,
    levels: Sequence[LevelReport],
    engine: PhoneEngine | None,
    *,
    stop: threading.Event,
    tell: Callable[[str], None],
    timeout_s: float | None,
) -> Target:
    """Start the emulated phone, with an adb server of its own; `stack` ends both."""
    if engine is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mmnet-engine-")))
        engine = write_stand_in(folder / "engine")
    try:
        server = stack.enter_context(private_adb_server())
        arm64 = emulator.find_arm64() if levels[-1].available else None
        phone = stack.enter_context(EmulatedPhone(arm64=arm64))
        server.connect(phone.serial)
    except emulator.EmulatorError as error:
        raise HarnessError(f"The emulated phone does not start: {error}") from error
    adb = Adb(server.adb, server.environment, stop)
    device = Phone(adb, phone.serial, engine, name=EMULATED, tell=tell, timeout_s=timeout_s)
    return Target(EMULATED, device, engine)


def phones_of(targets: Sequence[Target]) -> tuple[Phone, ...]:
    """Those that are phones, emulated or not."""
    return tuple(target.device for target in targets if isinstance(target.device, Phone))


def check_settings(targets: Sequence[Target], settings: Sequence[Settings]) -> None:
    """Make sure that every device has the threads and cores, before any is used.

    What the engine of a phone can do is found out where it is used.

    Raises:
        UsageError, CoresError: One has not.
        HarnessError: A phone does not answer.
    """
    for target in targets:
        for setting in settings:
            check_threads(setting.threads, target.device.facts())
        if isinstance(target.device, Host):
            target.device.check(settings)
    for phone in phones_of(targets):
        for setting in settings:
            phone.pinned(setting)
