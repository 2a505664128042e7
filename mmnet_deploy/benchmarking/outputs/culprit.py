"""Which layer makes a device's output wrong, or an engine fail.

The network is cut after a layer: a file that ends there takes the model's inputs and gives the
layer's output. The device runs it with the engine, delegate and settings of the benchmark, and what
comes out is compared with what this computer computes of the same file.

A wrong layer mostly makes wrong what is computed from it, so bisection comes near it with few runs.
It is not relied on: a layer is named only after runs of their own have shown that its output is off
and that all of its inputs are right.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

from android_benchmark import ComputingDevice, Device, RunRules, Settings, errors
from mmnet_deploy.benchmarking.outputs.comparison import NOISE, Reference
from mmnet_deploy.benchmarking.outputs.differences import Difference
from mmnet_deploy.benchmarking.outputs.layers import Layer, Layers
from mmnet_deploy.errors import MissingDependencyError, ModelFileError
from mmnet_deploy.results.records import Benchmark
from mmnet_deploy.tflite.card import read_model
from mmnet_deploy.tflite.graph import Graph

_ONCE = RunRules(
    warmup_min_runs=0, warmup_min_s=0.0, min_runs=1, min_duration_s=0.0, max_duration_s=10.0
)


class NoSearchError(Exception):
    """The search cannot be made; the message says why."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a search found.

    Attributes:
        layer: The culprit; None where nothing is wrong.
        difference: How far its output is off; None where the engine fails on it.
        failure: What the engine says where it fails.
        inputs: The layers whose outputs it reads, all of them right.
        strained: How much of what is allowed the worst of these uses up, from 0 to 1.
        runs: How many files the device ran.
        conclusive: Where nothing is wrong: whether the comparison could have failed.
    """

    layer: Layer | None
    difference: Difference | None = None
    failure: str = ""
    inputs: tuple[Layer, ...] = ()
    strained: float = 0.0
    runs: int = 0
    conclusive: bool = True


@dataclasses.dataclass(frozen=True)
class _Look:
    """What a run of the file that ends after a layer shows."""

    bad: bool
    varies: bool = True
    difference: Difference | None = None
    failure: str = ""


class Search:
    """The search in one model on one device.

    Args:
        model: The file.
        device: Runs what is cut from it.
        settings: As the benchmark had them.
        delegate: What ran the model in the benchmark.
        computes_in: See `differences.tolerance`.
        input_name: What the model is given, one of `comparison.INPUTS`. None where the engine
            failed, rather than computed something else: the search is then for the layer that it
            fails on, with timed runs of one round.
        tell: Takes a line of news after each run.

    Raises:
        NoSearchError: The model cannot be cut, or cannot be run on this computer.
    """

    def __init__(
        self,
        model: Path,
        device: Device,
        settings: Settings,
        *,
        delegate: str,
        computes_in: str,
        input_name: str | None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._model = model
        self._device = device
        self._settings = dataclasses.replace(settings, profile=False)
        self._delegate = delegate
        self._computes_in = computes_in
        self._tell = tell
        self._inputs: list[bytes] | None = None
        self._looks: dict[int, _Look] = {}
        try:
            content = read_model(model)
            graph = Graph.from_bytes(content, str(model))
            if graph.subgraphs > 1:
                raise NoSearchError(
                    f"it has loops or branches ({graph.subgraphs} subgraphs), and cannot be cut"
                )
            if input_name is not None:
                reference = Reference(model, content, delegate, computes_in)
                self._inputs = reference.inputs(input_name)
        except (ModelFileError, MissingDependencyError) as error:
            raise NoSearchError(f"this computer cannot run it: {str(error).rstrip('.')}") from error
        if input_name is not None and self._inputs is None:
            raise NoSearchError(f"there is no {input_name} of its inputs' types")
        self._layers = Layers(graph)

    def find(self) -> Finding:
        """Search.

        Raises:
            NoSearchError: The engine hands out no outputs.
            HarnessError: The device is lost, or somebody asked to stop.
        """
        bad = self._begin()
        if bad is None:
            varies = any(look.varies for look in self._looks.values())
            return Finding(None, runs=len(self._looks), conclusive=varies)
        right: set[int] = set()
        while True:
            bad = self._bisect(bad, right)
            inputs = sorted(self._layers.before[bad])
            wrong = next((it for it in inputs if self._look(it).bad), None)
            if wrong is None:
                break
            # An error that had vanished on the way: what was concluded from that is void.
            bad = wrong
            right = {number for number, look in self._looks.items() if not look.bad}
        found = [self._looks[it].difference for it in inputs]
        return Finding(
            self._layers[bad],
            self._looks[bad].difference,
            self._looks[bad].failure,
            tuple(self._layers[number] for number in inputs),
            max((it.share for it in found if it), default=0.0),
            len(self._looks),
        )

    def _begin(self) -> int | None:
        """The layer of an output that is off; None where all are right.

        Where an output is constant, which shows nothing, the layers count that it is computed from.
        """
        ends, seen = list(self._layers.last), set[int]()
        while ends:
            bad = next((number for number in ends if self._look(number).bad), None)
            if bad is not None:
                return bad
            seen.update(ends)
            constant = [number for number in ends if not self._look(number).varies]
            earlier = {it for number in constant for it in self._layers.before[number]}
            ends = sorted(earlier - seen)
        return None

    def _bisect(self, bad: int, right: set[int]) -> int:
        """A layer that is off, with nothing before it that is not in `right`, which grows."""
        while left := sorted(self._layers.ancestors(bad) - right):
            middle = left[len(left) // 2]
            if self._look(middle).bad:
                bad = middle
            else:
                right |= {middle, *self._layers.ancestors(middle)}
        return bad

    def _look(self, number: int) -> _Look:
        """Run the file that ends after a layer, once for all."""
        if number not in self._looks:
            try:
                look = self._run(number)
            except ModelFileError:
                # This computer's runtime refuses a file that ends there: it tells nothing.
                look = _Look(False, varies=False)
            self._looks[number] = look
            layer = self._layers[number]
            said = "fails" if look.failure else "is off" if look.bad else "is right"
            self._tell(f"{self._model.name}: {number} {layer.kind} ({layer.name}) {said}")
        return self._looks[number]

    def _run(self, number: int) -> _Look:
        looks = [self._run_cut(number, content) for content in self._layers.cuts(number)]
        worst = max(looks, key=lambda it: (it.bad, it.difference.share if it.difference else 0.0))
        return dataclasses.replace(worst, varies=any(look.varies for look in looks))

    def _run_cut(self, number: int, content: bytes) -> _Look:
        with tempfile.TemporaryDirectory(prefix="mmnet-cut-") as folder:
            path = Path(folder) / f"{number}.tflite"
            path.write_bytes(content)
            try:
                if self._inputs is None:
                    self._device.measure(path, self._settings, _ONCE)
                    return _Look(False)
                return self._compare(number, path, content, self._inputs)
            except errors.EngineFileError:
                raise
            except (errors.NoOutputsError, errors.UnreadableOutputError) as error:
                raise NoSearchError(str(error).rstrip(".")) from error
            except errors.EngineError as error:
                return _Look(True, failure=str(error))

    def _compare(self, number: int, path: Path, content: bytes, inputs: list[bytes]) -> _Look:
        """Compare what the device computes of a file with what this computer does."""
        if not isinstance(self._device, ComputingDevice):
            raise NoSearchError(f"{self._device.facts().model} hands out no outputs")
        reference = Reference(path, content, self._delegate, self._computes_in, own=True)
        expected = reference.compute(inputs, final=number in self._layers.last)
        computed = self._device.compute(path, self._settings, expected.ports, keep=False)
        difference = expected.difference(computed.outputs)
        # What the accelerator did not take, the CPU computed: it tells nothing of the accelerator.
        bad = not difference.agrees and computed.delegated is not False
        return _Look(bad, difference.conclusive, difference)


def examine(
    model: Path,
    device: Device,
    settings: Settings,
    result: Benchmark | None,
    tell: Callable[[str], None] = lambda line: None,
) -> Finding:
    """Search for the layer that is to blame for a result, if any is.

    Args:
        model: The file.
        device: Has run it.
        settings: How.
        result: What came of it; None if the engine failed.
        tell: Takes a line of news after each run.

    Raises:
        NoSearchError: It cannot be made; the message says why.
        HarnessError: The device is lost, or somebody asked to stop.
    """
    if result is None:
        search = Search(
            model,
            device,
            settings,
            delegate=settings.delegate,
            computes_in="",
            input_name=None,
            tell=tell,
        )
        return search.find()
    difference, engine = result.output_difference, result.engine
    if difference is None and engine.requested and engine.requested != engine.delegate:
        raise NoSearchError(result.outputs_not_compared or f"{engine.requested} did not run it")
    if difference and difference.agrees and difference.conclusive:
        return Finding(None)
    search = Search(
        model,
        device,
        settings,
        delegate=result.engine.delegate,
        computes_in=result.computes_in,
        input_name=difference.input if difference else NOISE,
        tell=tell,
    )
    return search.find()
