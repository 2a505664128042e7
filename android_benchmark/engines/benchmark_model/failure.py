"""Error lines, and what kind of fault each points to."""

from __future__ import annotations

import dataclasses
import enum


class FailureKind(enum.Enum):
    """What went wrong, as far as the line tells."""

    ENGINE = "engine"
    """The binary itself does not start: not there, not executable, built for something else."""
    FLAG = "flag"
    """A flag was refused, or the usage was printed instead of a run."""
    MODEL_MISSING = "model missing"
    MODEL_INVALID = "model invalid"
    OPERATOR = "operator"
    """The model needs an operator or a version of one that this binary does not have."""
    DELEGATE = "delegate"
    MEMORY = "memory"
    """A hint that memory ran out."""
    CRASH = "crash"
    RUN = "run"
    """Preparing or running failed; a line before it mostly says why."""
    OTHER = "other"


@dataclasses.dataclass(frozen=True)
class Failure:
    """One error line."""

    kind: FailureKind
    text: str


@dataclasses.dataclass(frozen=True)
class _Rule:
    """`phrases` tell an error wherever they stand in a line that is marked as one, and at the
    beginning of one that is not; `beginnings` only there; `hints` only in a marked line.
    """

    kind: FailureKind
    phrases: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def begins(self, text: str) -> bool:
        return text.startswith(self.phrases + self.beginnings)

    def explains(self, text: str, hints: bool) -> bool:
        phrases = self.phrases + (self.hints if hints else ())
        return text.startswith(self.beginnings) or any(phrase in text for phrase in phrases)


# The first that fits wins.
_RULES = (
    _Rule(
        FailureKind.ENGINE,
        ("CANNOT LINK EXECUTABLE", "only position independent executables"),
        beginnings=("sh: ", "/system/bin/sh: ", "taskset: ", "nohup: "),
    ),
    _Rule(
        FailureKind.MEMORY,
        (
            "out of memory",
            "Out of memory",
            "std::bad_alloc",
            "Cannot allocate memory",
            "CL_OUT_OF_RESOURCES",
            "CL_OUT_OF_HOST_MEMORY",
            "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        ),
        # What a shell says of a process that Android's low-memory killer ended.
        beginnings=("Killed",),
    ),
    _Rule(
        FailureKind.MODEL_MISSING,
        (
            "Could not open '",
            "model_path is empty",
            "Please specify the name of your TF Lite input file",
        ),
    ),
    _Rule(
        FailureKind.OPERATOR,
        (
            "Didn't find op for builtin opcode",
            "Encountered unresolved custom op",
            "Select TensorFlow op(s)",
            "Op builtin_code out of range",
            "Registration failed",
        ),
    ),
    _Rule(
        FailureKind.MODEL_INVALID,
        (
            "The model allocation is null/empty",
            "The model is not a valid Flatbuffer",
            "Model provided has model identifier",
            "Failed to load model",
            "failed to load model",
            "Failed to mmap model",
            "Failed to initialize model loader",
            "Failed to parse model path",
            "MMAPAllocation is not",
        ),
    ),
    _Rule(
        FailureKind.FLAG,
        (
            "Failed to parse flag",
            "Failed to parse positional flag",
            "Required flag not provided",
            "Too few command line arguments",
            "Wrong input value",
            "Wrong low and high value",
            "The number of items in --input_layer_shape",
            "Signature not specified or incorrect",
            "Signature key is specified",
            "Cannot parse --perf_options_list",
            "There are invalid perf options",
        ),
        beginnings=("usage: ",),
    ),
    _Rule(
        FailureKind.DELEGATE,
        (
            "Failed to apply",
            "failed to delegate",
            "Disallowed CPU fallback detected",
            "NN API returned error",
            "No selector for",
            "Some ops are not accelerated",
        ),
        hints=("Delegate", "delegat", "accelerat"),
    ),
    _Rule(
        FailureKind.CRASH,
        (
            "Fatal signal",
            "FATAL EXCEPTION",
            "Segmentation fault",
            "Bus error",
            "Illegal instruction",
            "Trace/breakpoint trap",
            "terminating with uncaught exception",
            "terminate called after throwing",
        ),
        beginnings=("Aborted",),
    ),
    _Rule(
        FailureKind.RUN,
        (
            "Failed to compile model",
            "Benchmarking failed",
            "Failed to allocate tensors",
            "Failed to initialize the interpreter",
            "Failed to invoke",
            "Run failed",
            "failed to prepare",
            "failed to invoke",
            "Error while running a single-option run",
        ),
    ),
)


def classify(text: str, severity: str) -> FailureKind | None:
    """The kind of an error line, or None if it is none.

    A line marked as an error is one, whatever it says. Older builds and the shell mark none;
    there the line must begin with words that are known.
    """
    marked = severity in ("ERROR", "FATAL")
    if not marked and (severity or not any(rule.begins(text) for rule in _RULES)):
        return None
    explained = (rule.kind for rule in _RULES if rule.explains(text, hints=marked))
    return next(explained, FailureKind.OTHER)
