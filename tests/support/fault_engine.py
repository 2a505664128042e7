"""An engine for the emulated phone that computes for real, with one kind of layer at fault.

It stands for LiteRT's `benchmark_model` and `run_model`: the model that was pushed is rewritten so
that its layers compute wrongly, and run by this computer's interpreter.
"""

import asyncio
import hashlib
import signal
import tempfile
from pathlib import Path

import numpy as np

from android_benchmark import (
    Computed,
    DeviceFacts,
    DeviceState,
    Engine,
    Measurement,
    Outcome,
    Output,
    errors,
)
from android_benchmark.emulator.device.processes import DeathBySignalError
from android_benchmark.engines import stand_in
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel

PROGRAMS = ("benchmark_model", "run_model")

FLAGS = (
    "accelerator",
    "compare_numerical",
    "graph",
    "input_dir",
    "iterations",
    "output_dir",
    "print_tensors",
    "sample_size",
    "signature_index",
)
"""Those of the newest run_model, without its vendors'."""

GPU = (
    "INFO: Created TensorFlow Lite delegate for GPU.\n"
    "INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the "
    "delegate.\n"
)


def help_text(flags=FLAGS):
    """What run_model prints for `--helpfull`, in Abseil's form."""
    listed = "".join(
        f"    --{name} (What it is, in words\n      enough.); default: 0;\n" for name in flags
    )
    return (
        "run_model: Warning: SetProgramUsageMessage() never called\n\n"
        f"  Flags from litert/tools/run_model.cc:\n{listed}\n"
        "  Flags from absl/log/flags.cc:\n    --stderrthreshold (Which.); default: 2;\n"
    )


def log(*lines):
    """Lines of Abseil's log."""
    return "".join(
        f"I0000 00:00:1745308018.868606   21039 run_model.cc:172] {it}\n" for it in lines
    )


def printed(number, values):
    """An output tensor, printed with all its values."""
    flat = [f"{it:.6g}" if it.dtype.kind == "f" else str(it) for it in values.ravel()]
    return log(
        f"Output buffer {number}:",
        f"  Size: {values.nbytes} bytes",
        f"  Total logical elements: {values.size}",
        "  Stats:",
        "    Min: 0",
        f"  Beginning {values.size} elements:",
        *(f"    {index}: {text}" for index, text in enumerate(flat)),
    )


# --- Faults ------------------------------------------------------------------


def no_fault(graph):
    """Everything is right."""


def other_pixel_centres(graph):
    """Bilinear resizes take the corners of pixels for their centres, as some GPUs do."""
    for op in graph.ops:
        if op.kind == "RESIZE_BILINEAR":
            op.options.halfPixelCenters = not op.options.halfPixelCenters


def half_weights(name):
    """The weights of one layer are rounded to half precision."""

    def fault(graph):
        for op in graph.ops:
            if name in op.name:
                _change(op, 1, lambda values: values.astype(np.float16).astype(values.dtype))

    return fault


def weight_changed(name, change):
    """The weights of one layer are others."""

    def fault(graph):
        for op in graph.ops:
            if name in op.name:
                _change(op, 1, change)

    return fault


def crash_on(kind):
    """A program that is given such an operator is ended by a signal."""

    def fault(graph):
        if any(op.kind == kind for op in graph.ops):
            raise DeathBySignalError(signal.SIGSEGV)

    return fault


def _change(op, place, change):
    old = op.inputs[place] if place < len(op.inputs) else None
    if old is None or old.data is None:
        return
    op.inputs = list(op.inputs)
    op.inputs[place] = type(old)(
        old.name, old.shape, old.dtype, change(old.data), old.quantization, old.signature
    )


# --- The engine --------------------------------------------------------------


class FaultEngine:
    """One engine, to be registered with `EmulatedPhone(engines=fault_engine.engines)`.

    Args:
        fault: Rewrites the graph of a model before it is run.
        flags: What its run_model understands.
        after: Changes the bytes of the outputs.
        words: What both programs say of the delegate.
    """

    def __init__(self, fault=no_fault, *, flags=FLAGS, after=lambda values: values, words=GPU):
        self.fault = fault
        self.flags = flags
        self.after = after
        self.words = words
        self.ran = []
        """Arguments of each run of run_model."""

    def folder(self, path, programs=PROGRAMS):
        """Make the engine's folder, as `--engine-binary` takes it."""
        path.mkdir()
        for name in programs:
            (path / name).write_text(f"{id(self)} {name}")
        return path

    @property
    def engines(self):
        """What the emulated phone needs to run the folder's programs."""
        contents = (f"{id(self)} {name}" for name in PROGRAMS)
        return {hashlib.sha256(content.encode()).hexdigest(): self for content in contents}

    async def run(self, program, files, io, process):
        """As `Runner.run`."""
        words = program.arguments[1:]
        options = dict(word.lstrip("-").partition("=")[::2] for word in words)
        is_runner = program.path.endswith("run_model")
        if "helpfull" in options or "help" in options:
            text = help_text(self.flags) if is_runner else stand_in.HELP
            await io.stdout.write(text.encode())
            return 1
        if is_runner:
            self.ran.append(words)
        if unknown := [name for name in options if is_runner and name not in self.flags]:
            await io.stderr.write(f"ERROR: Unknown command line flag '{unknown[0]}'\n".encode())
            return 1
        graph = Graph.from_bytes(files.on_host(options["graph"]).read_bytes())
        self.fault(graph)
        if not is_runner:
            words = self.words if options.get("use_gpu") == "true" else stand_in.XNNPACK
            await io.stdout.write(stand_in.run_output(words).encode())
            return 0
        text = await asyncio.to_thread(self._compute, graph, options, files)
        await io.stderr.write((self.words + text).encode())
        return 0

    def _compute(self, graph, options, files):
        source = files.on_host(options["input_dir"])
        given, asked = graph.names()
        inputs = [(source / f"{given[id(tensor)]}.raw").read_bytes() for tensor in graph.inputs]
        text = log("Run model for 1 times")
        for number, (tensor, values) in enumerate(
            zip(graph.outputs, computed(graph, inputs), strict=True)
        ):
            values = self.after(values)
            if "output_dir" in options:
                target = files.on_host(options["output_dir"]) / f"{asked[id(tensor)]}.raw"
                target.write_bytes(values.tobytes())
            else:
                text += printed(
                    number, values.view(np.uint8) if values.dtype == np.int8 else values
                )
        return text + log("Model run completed")


def computed(graph, inputs):
    """The outputs of a graph on this computer."""
    with tempfile.TemporaryDirectory() as folder:
        model = TFLiteModel(Path(folder) / "a.tflite", content=graph.to_bytes())
    model.set_inputs(inputs)
    model.invoke()
    return [np.frombuffer(content, it["dtype"]) for it, content in model.raw_outputs()]


class FaultyDevice:
    """The same without a phone: a device that runs rewritten models in this process.

    Args:
        fault: Rewrites the graph of a model before it is run.
        engine_error: What a timed run raises where the fault ends the program.
    """

    def __init__(self, fault=no_fault, engine_error=errors.EngineCrashedError):
        self.fault = fault
        self.engine_error = engine_error
        self.runs = 0

    def facts(self):
        """What it is."""
        return DeviceFacts("faulty", "Faulty One", "none", 4, "none")

    def measure(self, model, settings, rules):
        """A run that is timed, or fails."""
        self._graph(model)
        engine = Engine("faulty", "1", settings.delegate, settings.delegate)
        return Outcome(engine, Measurement((), (1e6, 1e6)), DeviceState(), DeviceState())

    def compute(self, model, settings, ports, *, keep=True):
        """As `ComputingDevice.compute`."""
        values = computed(self._graph(model), list(ports.inputs.values()))
        return Computed(tuple(Output(it.dtype.name, it.tobytes()) for it in values), True)

    def rest(self, rules):
        """Nothing."""

    def close(self):
        """Nothing."""

    def _graph(self, model):
        self.runs += 1
        graph = Graph.from_bytes(model.read_bytes())
        try:
            self.fault(graph)
        except DeathBySignalError as error:
            raise self.engine_error(f"faulty crashed: {error}") from error
        return graph
