"""A phone as a device: models run on it under the rules, whatever happens to the cable."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from android_benchmark import errors
from android_benchmark.device import (
    Computed,
    DeviceFacts,
    DeviceState,
    Outcome,
    Output,
    Ports,
    Settings,
)
from android_benchmark.phone import cores, elf
from android_benchmark.phone.adb import Adb, AdbDevice
from android_benchmark.phone.awake import Awake
from android_benchmark.phone.computing import Computing
from android_benchmark.phone.engine import EngineResult, PhoneEngine
from android_benchmark.phone.launcher import Launcher
from android_benchmark.phone.reading import read_facts, read_state
from android_benchmark.phone.validity import judge_conditions, judge_cores, warmer_by
from android_benchmark.phone.workspace import FOLDER, Workspace
from android_benchmark.rules import RunRules

ATTEMPTS = 3
"""How often a run is tried whose failure may pass."""

PATIENCE_S = 60.0
"""How long a phone may stay away before it is given up."""

STARTING_S = 60.0
"""How long an engine may take besides its runs: loading, compiling for a GPU, first run."""

_OUTPUT = "output.bin"
_JOURNAL = "changed"
T = TypeVar("T")


class Phone:
    """One phone, with the engine that runs models on it.

    Its first use prepares it: the engine is pushed and asked what it can do, and the screen
    is kept on. `close` puts everything back.

    Args:
        adb: The adb program; calls through it may be stopped.
        serial: The phone.
        engine: For this phone alone; None where no model is to run on it.
        name: What results call the phone; by default its serial.
        tell: Called with one line on what is being waited for or tried again.
        patience_s: How long the phone may stay away.
        timeout_s: Bound of one run of the engine; by default what its rules allow.
        no_engine: Why there is no engine, for whoever wants to run a model all the same.
    """

    def __init__(
        self,
        adb: Adb,
        serial: str,
        engine: PhoneEngine | None,
        *,
        name: str | None = None,
        tell: Callable[[str], None] = lambda line: None,
        patience_s: float = PATIENCE_S,
        timeout_s: float | None = None,
        no_engine: str = "",
    ) -> None:
        self.adb = adb
        self.serial = serial
        self.engine = engine
        self.name = name or serial
        self._device = AdbDevice(adb, serial)
        # What puts things back must not be stopped by what asks to stop.
        self._closing = AdbDevice(adb.unstoppable(), serial)
        self._workspace = Workspace(self._device)
        self._launcher = Launcher(
            self._device, self._closing, self._workspace, engine.name if engine else "the engine"
        )
        self._news = tell
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._no_engine = no_engine
        self._facts: DeviceFacts | None = None
        self._folder: str | None = None
        self._computing: Computing | None = None
        self._cool: DeviceState | None = None
        self._touched = False
        self._closed = False

    # --- Device ------------------------------------------------------------------

    def facts(self) -> DeviceFacts:
        """What the phone is.

        Raises:
            HarnessError: It cannot be asked.
        """
        if self._facts is None:
            facts = self._again(lambda: read_facts(self._device))
            self._facts = dataclasses.replace(facts, serial=self.name)
        return self._facts

    def check(self, settings: Sequence[Settings]) -> None:
        """Make sure that the engine can do what is asked, before anything is measured.

        Raises:
            EngineError: It cannot.
            HarnessError: See `errors`.
        """
        engine = self.engine
        if engine is not None:
            self._again(lambda: self._prepared(engine))
            for setting in settings:
                engine.check(setting)

    def measure(self, model: Path, settings: Settings, rules: RunRules) -> Outcome:
        """Run a model.

        What may pass, such as a loose cable, is tried again, at most `ATTEMPTS` times.

        Raises:
            HarnessError: See `errors`.
            CoresError: The phone has no such cores.
        """
        pinned = self.pinned(settings)
        return self._again(lambda: self._measure(model, settings, rules, pinned))

    def compute(
        self, model: Path, settings: Settings, ports: Ports, *, keep: bool = True
    ) -> Computed:
        """Run a model once on given inputs, untimed: see `ComputingDevice`.

        Raises:
            NoOutputsError: The engine cannot hand out outputs, or not under these settings.
            HarnessError: See `errors`.
            CoresError: The phone has no such cores.
        """
        if self.engine is None or self.engine.outputs is None:
            name = self.engine.name if self.engine else "no engine"
            raise errors.NoOutputsError(f"{name} {errors.NO_RUNNER}")
        engine, pinned = self.engine, self.pinned(settings)

        def act() -> Computed:
            folder = self._prepared(engine)
            computing = self._computing_with(engine)
            return computing.compute(
                model,
                settings,
                ports,
                folder=folder,
                environment=engine.environment(folder),
                pinned=pinned,
                keep=keep,
            )

        return self._again(act)

    def pinned(self, settings: Settings) -> tuple[int, ...]:
        """The cores that a run with these settings is pinned to.

        Raises:
            CoresError: The phone has no such cores.
        """
        frequencies = dict(enumerate(self.facts().max_frequencies_khz))
        return cores.chosen(settings.cores, frequencies, settings.threads)

    def rest(self, rules: RunRules) -> None:
        """Wait until the phone has cooled down, or for the rules' fixed pause.

        Raises:
            HarnessError: The phone went away for good.
        """
        end_s = time.monotonic() + rules.rest_max_s
        margin_c = rules.rest_margin_c
        cool = self._cool
        while (left_s := end_s - time.monotonic()) > 0:
            if margin_c is not None and cool is not None:
                warmer = warmer_by(cool, self._again(lambda: read_state(self._device)))
                if warmer is not None and warmer <= margin_c:
                    return
                said = "no sensor to read" if warmer is None else f"{warmer:.1f} °C too warm"
                self._tell(f"{self.name} rests: {said}, at most {left_s:.0f} s more")
            else:
                self._tell(f"{self.name} rests for {left_s:.0f} s")
            self.adb.wait(min(left_s, 2.0))

    def close(self) -> None:
        """Put back what was changed, be it by a session that was lost before this one.

        A phone that this session changed and that is away is waited for. May be called again.

        Raises:
            NotPutBackError: It did not come back, or keeps what was changed.
        """
        awake = self._awake(self._closing)
        touched, closed = self._touched, self._closed
        self._touched, self._closed = False, True
        if touched:
            try:
                self._again(awake.restore, self._closing.adb)
            except errors.NotPutBackError:
                raise
            except errors.HarnessError as error:
                raise errors.NotPutBackError(
                    f"{error} Its screen settings are still changed: `bench` puts them back when "
                    "it is used the next time, or at once, when it is connected: "
                    f"mmnet-deploy bench --clean --device {shlex.quote(self.serial)}"
                ) from error
        elif self._facts is not None and not closed:
            # It was there, and nobody changed anything on it who could wait for it now.
            with contextlib.suppress(errors.TransientError, errors.DeviceNotReadyError):
                if awake.restore():
                    self._tell(f"{self.name}: put back what a lost session had changed.")

    def clean(self) -> int:
        """Remove everything that was put on the phone; returns the number of bytes freed.

        Raises:
            HarnessError: It is not there, or refuses.
        """
        self._awake(self._closing).restore()
        return Workspace(self._closing).clean()

    # --- Runs ----------------------------------------------------------------------

    def _measure(
        self, model: Path, settings: Settings, rules: RunRules, pinned: tuple[int, ...]
    ) -> Outcome:
        if self.engine is None:
            why = self._no_engine or f"There is no engine to run {model.name} with."
            raise errors.EngineFileError(why)
        folder = self._prepared(self.engine)
        remote = self._workspace.model(model)
        output = f"{self._workspace.folder}/{_OUTPUT}"
        command = self.engine.command(remote, settings, rules, output, folder)
        before = read_state(self._device)
        if self._cool is None:
            self._cool = before
        timeout_s = self._timeout_s or STARTING_S + 2.5 * rules.max_duration_s
        completed, affinity = self._launcher.run(
            command, folder, pinned, timeout_s, self.engine.environment(folder)
        )
        result = self.engine.read(completed, settings)
        after = read_state(self._device)
        outputs = self._fetch(result, output)
        conditions = judge_conditions(before, after, pinned, self.facts().max_frequencies_khz)
        return Outcome(
            engine=result.engine,
            measurement=result.measurement,
            before=before,
            after=after,
            cores=affinity if affinity is not None else (),
            flags=(*result.flags, *conditions, judge_cores(pinned, affinity, settings.threads)),
            init_us=result.init_us,
            # Under emulation it is the emulator's memory.
            peak_memory_bytes=None if self.facts().emulated else result.peak_memory_bytes,
            profile=result.profile,
            outputs=outputs,
        )

    def _prepared(self, engine: PhoneEngine) -> str:
        """The folder of the engine on the phone; the first time, everything is set up."""
        if self._folder is not None:
            return self._folder
        abis = tuple(self._device.properties().get("ro.product.cpu.abilist", "").split(","))
        for name, file in engine.files.items():
            if name in engine.programs or name.endswith(".so"):
                elf.check(file, tuple(filter(None, abis)), self.facts().model)
        folder = self._workspace.program(engine.files, engine.programs)
        self._launcher.prepare()
        probe = engine.probe
        if probe:
            answer, _ = self._launcher.run(
                probe, folder, (), STARTING_S, engine.environment(folder)
            )
            engine.learn(answer)
        self._touched, self._closed = True, False
        self._awake(self._device).keep()
        self._folder = folder
        return folder

    def _computing_with(self, engine: PhoneEngine) -> Computing:
        """What runs the part of the engine that hands out outputs."""
        if self._computing is None and engine.outputs is not None:
            name = engine.outputs.name
            launcher = Launcher(self._device, self._closing, self._workspace, name)
            timeout_s = self._timeout_s or STARTING_S
            self._computing = Computing(
                self._device, self._workspace, launcher, engine.outputs, timeout_s
            )
        if self._computing is None:
            raise RuntimeError("Only an engine that hands out outputs is asked for them.")
        return self._computing

    def _fetch(self, result: EngineResult, output: str) -> tuple[Output, ...]:
        """The output tensors that the engine left on the phone."""
        if not result.outputs:
            return ()
        with tempfile.TemporaryDirectory(prefix="mmnet-output-") as folder:
            local = Path(folder) / "output"
            self._device.pull(output, local)
            content = local.read_bytes()
        self._workspace.remove(_OUTPUT)
        if len(content) != sum(size for _, size in result.outputs):
            raise errors.OutputCutError("The output tensors did not arrive whole.")
        outputs, begin = [], 0
        for dtype, size in result.outputs:
            outputs.append(Output(dtype, content[begin : begin + size]))
            begin += size
        return tuple(outputs)

    def _awake(self, device: AdbDevice) -> Awake:
        return Awake(device, f"{FOLDER}/{_JOURNAL}")

    def _tell(self, line: str) -> None:
        """Hand on news. Where they cannot be shown, as on a terminal that is gone, work goes on."""
        with contextlib.suppress(OSError):
            self._news(line)

    # --- Connection ------------------------------------------------------------------

    def _again(self, act: Callable[[], T], adb: Adb | None = None) -> T:
        """Do something; what may pass is tried again once the phone is back.

        Args:
            act: What to do; safe to begin anew.
            adb: What waits for the phone; by default the one that may be stopped.

        Raises:
            HarnessError: The last failure, if none of `ATTEMPTS` worked.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return act()
            except errors.TransientError as error:
                if attempt == ATTEMPTS:
                    raise
                self._tell(f"{error} Trying again ({attempt} of {ATTEMPTS - 1}).")
                (adb or self.adb).wait_for(self.serial, self._patience_s, error)
                with contextlib.suppress(errors.TransientError):
                    self._launcher.kill()
        raise RuntimeError("Every attempt ends with a result or its error.")
