"""What the project stores: frozen records, units in the names; `record_json` has their form."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    InstructionCounts,
    Measurement,
    OperatorTime,
    RunRules,
)
from mmnet_deploy.tflite.card import ModelFile

GRADIENT_ERROR_DEFINITION = (
    "gaussian-derivative sigma=1.4, mean vector difference (Seo et al. 2019)"
)


CLIP_SCORES = frozenset({"dtssd"})
"""Scores that the first frame of a clip lacks."""


@dataclasses.dataclass(frozen=True)
class PictureScore:
    """The metrics of one picture, by name.

    Attributes:
        constant: Those of a matte of one value; empty where they are not known.
    """

    name: str
    scores: Mapping[str, float]
    constant: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Quality of a model on a split; the mean metrics derive from the pictures'.

    Attributes:
        data: Name of the data set's folder.
        data_sha256: Hash of the names and masks of the split, which tells data sets apart.
        height_px, width_px: Resolution that the mattes are compared at; None if it is
            each picture's own.
        engine: What computed the mattes.
        foreground_share: Mean over the pictures of what the masks cover; None if unknown.
        options: Words of the command line that say what the model's input and output and the
            masks mean.
        upsample: How the mattes were enlarged, `bilinear` or `guided`. Every score depends on it.
        constant_value: That of the matte of one value everywhere that the pictures have the scores
            of: 0 or 1, whichever has the smaller MAD; None in results of earlier versions.
    """

    model: ModelFile
    data: str
    data_sha256: str
    split: str
    height_px: int | None
    width_px: int | None
    engine: str
    pictures: tuple[PictureScore, ...]
    created_at: str
    gradient_error_definition: str = GRADIENT_ERROR_DEFINITION
    foreground_share: float | None = None
    options: tuple[str, ...] = ()
    upsample: str = "bilinear"
    constant_value: float | None = None

    kind = "evaluation"

    @property
    def size_name(self) -> str:
        """The resolution that was compared at, and how the mattes came to it."""
        size = f"{self.height_px}×{self.width_px}" if self.height_px else "native size"
        return size if self.upsample == "bilinear" else f"{size}, {self.upsample} mattes"

    @property
    def scores(self) -> dict[str, float]:
        """Mean of each metric over the pictures that have it; plain numbers, not ×10⁻³."""
        return _means([picture.scores for picture in self.pictures])

    @property
    def constant_scores(self) -> dict[str, float]:
        """The same of a matte of one value; empty where they are not known.

        Such a matte has no gradient, whatever its value: its gradient error is the mean length of
        the truth's gradient.
        """
        return _means([picture.constant for picture in self.pictures])

    @property
    def better_than_constant(self) -> int | None:
        """On how many pictures the gradient error is less than that of a matte of one value.

        None where one of the two is not known.
        """
        name = "gradient_error"
        if any(name not in p.constant or name not in p.scores for p in self.pictures):
            return None
        return sum(p.scores[name] < p.constant[name] for p in self.pictures)

    def values(self, name: str) -> list[float]:
        """A metric of each picture that has it, in order."""
        return [p.scores[name] for p in self.pictures if name in p.scores]

    @property
    def constant_mad(self) -> float | None:
        """The MAD of a matte of one value; by what the masks cover in earlier results."""
        known = self.constant_scores.get("mad")
        if known is None and self.foreground_share is not None:
            return min(self.foreground_share, 1 - self.foreground_share)
        return known

    @property
    def beaten_by_constant(self) -> bool:
        """Whether its MAD is not even 1 % better than that of an empty or a full matte.

        Its gradient error can be less than that of a good matte then, and says nothing.
        """
        mad, constant = self.scores.get("mad"), self.constant_mad
        return mad is not None and constant is not None and mad >= 0.99 * constant > 0

    @property
    def note(self) -> str:
        """A line that has to stand beside the scores; usually empty."""
        if not self.beaten_by_constant:
            return ""
        return (
            f"{self.model.name} is no better than a matte of one value everywhere: MAD "
            f"{self.scores['mad']:.3f} against {self.constant_mad:.3f}. Its gradient error says "
            "nothing."
        )


def _means(pictures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each metric over the pictures that have it."""
    # In the order of the last picture: the first frame of a clip lacks some.
    columns: dict[str, list[float]] = {}
    for name in dict.fromkeys(name for scores in reversed(pictures) for name in scores):
        columns[name] = [scores[name] for scores in pictures if name in scores]
    return {name: math.fsum(values) / len(values) for name, values in columns.items()}


@dataclasses.dataclass(frozen=True)
class OutputDifference:
    """How far a device's output is from this computer's, on the same input.

    Attributes:
        elements, different: Number of values (pixels, for a matte), and of those that differ.
        largest: The largest difference, in quantization steps for integer types.
        agrees: Whether it is within what is allowed.
        mean: The mean difference of all values; None in results of earlier versions.
        allowed, allowed_mean: How large both may be in the precision that the device computed in.
        input: What both computed from: `noise`, `portrait` or `waves`.
        conclusive: Whether the output varies enough for the comparison to fail: a network that
            answers every input with the same value shows nothing.
    """

    dtype: str
    elements: int
    different: int
    largest: float
    agrees: bool
    mean: float | None = None
    allowed: float | None = None
    allowed_mean: float | None = None
    input: str = "noise"
    conclusive: bool = True


@dataclasses.dataclass(frozen=True)
class Import:
    """Where the result of another tool was read.

    Attributes:
        form: Kind of the file, such as `litert-benchmark JSON`.
        file, sha256: Its name and its hash.
        run: Which of the runs in the file, from 1.
        dated: Whether the file says when it was measured; else the time of the import is given.
    """

    form: str
    file: str
    sha256: str
    run: int = 1
    dated: bool = False


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Latency of a model on a device, as raw samples, or as statistics of the engine's own.

    Attributes:
        threads: CPU threads; 0 where another tool's file does not tell.
        rules: None where another tool's file does not tell.
        cores: Numbers of the cores that the program was pinned to; empty if it was not.
        cores_wanted: `big`, `little`, `all` or a mask, as requested; empty on a device that
            pins nothing.
        init_us: Time to load and prepare the model.
        profile: Mean time of the operators, where it was requested and known.
        profiling: Whether the engine was asked for that profile, which takes time itself.
        output_difference: None where the engine gives no outputs.
        outputs_not_compared: Why they were not, where an engine could have been asked for them.
        delegate_precision: `fp16` or `fp32`, where the delegate was told what to compute in.
        engine_flags: Further flags that the engine was given, each as `NAME=VALUE`.
        computes_in: The type that the file's arithmetic is done in on this device's cores, such
            as `float16`; empty if unknown.
        imported_from: The file of another tool that it was read from; None for our own. Nothing
            is known of the device's state then, so no such result is called valid.
    """

    model: ModelFile
    device: DeviceFacts
    engine: Engine
    threads: int
    rules: RunRules | None
    measurement: Measurement
    flags: tuple[Flag, ...]
    before: DeviceState
    after: DeviceState
    versions: Mapping[str, str]
    created_at: str
    cores: tuple[int, ...] = ()
    cores_wanted: str = ""
    init_us: float | None = None
    peak_memory_bytes: int | None = None
    profile: tuple[OperatorTime, ...] = ()
    output_difference: OutputDifference | None = None
    outputs_not_compared: str = ""
    profiling: bool = False
    delegate_precision: str = ""
    engine_flags: tuple[str, ...] = ()
    computes_in: str = ""
    imported_from: Import | None = None

    kind = "benchmark"

    @property
    def profiled(self) -> bool:
        """Whether operators were timed; the first versions stored no `profiling`."""
        return self.profiling or bool(self.profile)

    @property
    def broken_rules(self) -> tuple[Flag, ...]:
        """The flags that a valid result would not have; a result with any is shown as invalid."""
        return tuple(flag for flag in self.flags if not flag.good)


@dataclasses.dataclass(frozen=True)
class OperatorCost:
    """Instructions of one operator in one inference, by the name that its runtime gives it.

    Attributes:
        kernels: How many kernels it ran, such as the copies of a concatenation.
        inside_delegate: Whether the delegate ran it.
    """

    name: str
    instructions: int
    kernels: int = 1
    inside_delegate: bool = False


@dataclasses.dataclass(frozen=True)
class Cost:
    """Arm64 instructions of one inference, counted under emulation. A count is not a latency.

    Attributes:
        precision: As the file's tensors say, by the names of `mmnet-deploy convert`.
        counts: By class, in one inference.
        runs: Totals of the measured runs; `counts` is the last of them.
        operators: In the order that they ran; empty where `operators_missing` says why.
        cpu: The emulated core, and the chip that it reported (`identity`).
        engine: Program and delegate.
        runtime: The package that the kernels are from, with the hash of its wheel.
        compiler: What compiled the engine.
        counter_sha256: Hash of the emulator's plugin and what else counts.
        cpu_title: What the core can do, in words, such as `ARMv8.2 with fp16 and dot products`.
        computes_in: The type that the file's arithmetic is done in on this core; empty if unknown.
    """

    model: ModelFile
    precision: str
    counts: InstructionCounts
    runs: tuple[int, ...]
    cpu: str
    identity: str
    engine: Engine
    runtime: str
    runtime_wheel_sha256: str
    compiler: str
    qemu_version: str
    counter_sha256: str
    warmup_runs: int
    versions: Mapping[str, str]
    created_at: str
    threads: int = 1
    operators: tuple[OperatorCost, ...] = ()
    operators_missing: str = ""
    cpu_title: str = ""
    computes_in: str = ""

    kind = "cost"

    @property
    def conditions(self) -> dict[str, str]:
        """What two counts must share to be compared, by the names that messages use."""
        return {
            "core": f"{self.cpu} as {self.identity}",
            "delegate": self.engine.delegate,
            "threads": str(self.threads),
            "engine": self.engine.sha256,
            "compiler": self.compiler,
            "runtime": f"{self.runtime} ({self.runtime_wheel_sha256})",
            "qemu": self.qemu_version,
            "instruction counter": self.counter_sha256,
        }


Record = Evaluation | Benchmark | Cost
"""What a results folder may hold."""
