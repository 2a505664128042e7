"""What files compute in, in the words of tables and messages, and where it has to be said."""

from __future__ import annotations

from collections.abc import Sequence

from mmnet_deploy.results.records import Benchmark

HALF = "float16"

_PLAIN = {
    "float32": "float32",
    "int8-weights": "float32",
    "dynamic": "int8 and float32",
    "int8": "int8",
    "int16x8": "int16",
}
"""What files of a precision compute in unless something is special; float16 has nothing plain."""

PRICE = (
    "One vector instruction does eight values in float16 and four in float32, so fewer "
    "instructions in float16 are no measure of the time that they save."
)


def named(precision: str, computes_in: str) -> str:
    """`float32`, or `float16 computed in float32` where the precision alone does not say it.

    What is not known is not said.
    """
    if not computes_in or _PLAIN.get(precision) == computes_in:
        return precision
    return f"{precision} computed in {computes_in}"


def kernels_of(precision: str) -> str:
    """The precision whose kernels run a file: 8-bit weights are unpacked when it is loaded."""
    return "float32" if precision == "int8-weights" else precision


def precision_of(benchmark: Benchmark) -> str:
    """The precision of what was measured; empty for a file without a description."""
    return benchmark.model.card.precision if benchmark.model.card else ""


def is_told(benchmark: Benchmark) -> bool:
    """Whether a table has to say what a benchmark computed in.

    Of a file without a description, that is where it is half precision.
    """
    precision, computes_in = precision_of(benchmark), benchmark.computes_in
    return named(precision, computes_in) != precision if precision else HALF in computes_in


def differing(benchmarks: Sequence[Benchmark]) -> set[str]:
    """Hashes of the files whose labels have to say what they computed in.

    They computed in different types on different devices, or other files of their precision did.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for one in benchmarks:
        for key in _keys(one):
            found.setdefault(key, set()).add(one.computes_in)
    return {
        one.model.sha256
        for one in benchmarks
        if any(len(found[key] - {""}) > 1 for key in _keys(one))
    }


def _keys(benchmark: Benchmark) -> list[tuple[str, str]]:
    precision = precision_of(benchmark)
    keys = [("file", benchmark.model.sha256)]
    return [*keys, ("precision", precision)] if precision else keys


def why_float32(
    precision: str, computes_in: str, *, delegate: str, fp16_arithmetic: bool | None
) -> str:
    """Why a float16 file computes in float32; empty if it does not."""
    if (precision, computes_in) != (HALF, "float32"):
        return ""
    if delegate == "none":
        return "the built-in kernels have no half precision"
    if delegate != "xnnpack":
        return "the delegate was told to"
    if fp16_arithmetic is False:
        return "XNNPACK has no fp16 arithmetic on these cores"
    return "the file does not allow half precision"
