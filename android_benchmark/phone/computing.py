"""Running a model once on given inputs, and fetching what it computed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.device import Computed, Ports, Settings
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.engine import Exchange, OutputRunner
from android_benchmark.phone.launcher import Launcher
from android_benchmark.phone.workspace import Workspace

_GIVEN, _COMPUTED = "given", "computed"


class Computing:
    """The part of a phone's engine that hands out outputs, as it is on one phone.

    Args:
        device: The phone.
        workspace: Our folder on it.
        launcher: Runs the program.
        runner: The program.
        timeout_s: Bound of one run.
    """

    def __init__(
        self,
        device: AdbDevice,
        workspace: Workspace,
        launcher: Launcher,
        runner: OutputRunner,
        timeout_s: float,
    ) -> None:
        self._device = device
        self._workspace = workspace
        self._launcher = launcher
        self._runner = runner
        self._timeout_s = timeout_s
        self._asked = False
        self._refusal = ""

    def compute(
        self,
        model: Path,
        settings: Settings,
        ports: Ports,
        *,
        folder: str,
        environment: Mapping[str, str],
        pinned: tuple[int, ...],
        keep: bool,
    ) -> Computed:
        """Run a model once; see `ComputingDevice.compute`.

        Args:
            folder: Where the engine's files lie on the phone.
            environment: Variables that its programs need.
            pinned: Cores to pin the program to.
        """
        self._learn(folder, environment)
        files = self._runner.given(ports)
        root = self._workspace.folder
        exchange = Exchange(f"{root}/{_GIVEN}", f"{root}/{_COMPUTED}", folder)
        remote = self._workspace.model(model)
        command = self._runner.command(remote, settings, ports, exchange)
        wanted = self._runner.computed(ports)
        try:
            self._give(files)
            self._workspace.make_empty(_COMPUTED, [name for name in wanted if "/" in name])
            done, _ = self._launcher.run(command, folder, pinned, self._timeout_s, environment)
            return self._runner.read(done, settings, ports, self._fetch(wanted))
        finally:
            self._workspace.remove_folder(_COMPUTED)
            if not keep:
                self._workspace.remove(remote.rpartition("/")[2])

    def _learn(self, folder: str, environment: Mapping[str, str]) -> None:
        """Ask the program, the first time, what it can do.

        Raises:
            NoOutputsError: It cannot hand out outputs.
        """
        if not self._asked:
            try:
                self._launcher.prepare()
                if probe := self._runner.probe:
                    answer, _ = self._launcher.run(probe, folder, (), self._timeout_s, environment)
                    self._runner.learn(answer)
            except errors.NoOutputsError as error:
                self._refusal = str(error)
            except errors.EngineError as error:
                self._refusal = f"{self._runner.name} does not start: {error}"
            self._asked = True
        if self._refusal:
            raise errors.NoOutputsError(self._refusal)

    def _give(self, files: Mapping[str, bytes]) -> None:
        """Push what the program is given; what is there already is not pushed again."""
        with tempfile.TemporaryDirectory(prefix="mmnet-given-") as temporary:
            local = {}
            for number, (name, content) in enumerate(files.items()):
                path = Path(temporary) / str(number)
                path.write_bytes(content)
                local[f"{_GIVEN}/{name}"] = path
            self._workspace.push(local)

    def _fetch(self, names: tuple[str, ...]) -> dict[str, bytes]:
        """The files that the program wrote; what it did not write is left out."""
        there = self._workspace.sizes(f"{_COMPUTED}/{name}" for name in names)
        found = {}
        with tempfile.TemporaryDirectory(prefix="mmnet-computed-") as temporary:
            local = Path(temporary) / "file"
            for name in names:
                size = there.get(f"{_COMPUTED}/{name}")
                if size is None:
                    continue
                self._device.pull(f"{self._workspace.folder}/{_COMPUTED}/{name}", local)
                content = local.read_bytes()
                if len(content) != size:
                    raise errors.OutputCutError("The output tensors did not arrive whole.")
                found[name] = content
        return found
