"""Whether a `.tflite` file lets CPUs compute in half precision, and what it then computes in.

XNNPACK computes the float part of a file in float16 only if the file carries a metadata entry
that says so, and only on cores with float16 arithmetic (ARMv8.2-A, in phones since about 2018);
float16 weights alone make the file smaller and change nothing else. How the entry is read:
`tools/optimize/reduced_precision_support.h` and `delegates/xnnpack/xnnpack_delegate.cc` of LiteRT.
"""

from __future__ import annotations

import re

from mmnet_deploy.tflite.schema import metadata, reading, with_metadata

ENTRY = "reduced_precision_support"
"""Name of the metadata entry."""

HALF = "fp16accfp16"
"""What `convert` writes into it: float16 values and float16 sums."""

_ALLOWS = re.compile(r"(?:bf16)*fp16(?:fp16|bf16)*accfp16")
"""The values that XNNPACK takes as leave to compute in float16: kinds of values, float16 among
them, then the kind of sums, and nothing before or after. It ignores every other value."""

_MOST_BYTES = 100
"""Of a value in messages and tables: a damaged file may have megabytes there."""

FLOATING = ("float32", "float16", "int8-weights")
"""Precisions whose arithmetic is all floating point."""

_INTEGERS = {"int8": "int8", "int16x8": "int16"}

_DELEGATE_TYPES = {"fp16": "float16", "fp32": "float32"}


def entry(content: bytes, name: str = "The TFLite model") -> str:
    """What a file's entry says, such as `fp16accfp16`; empty if it has none.

    As in the runtime, an empty entry counts as none, and the last one of several counts. The value
    may be one that XNNPACK ignores: `allows` knows. Bytes that are no text become escapes, and
    what is longer than any sensible value is cut off.

    Args:
        name: The file, for messages.

    Raises:
        ModelFileError: The file is damaged.
        MissingDependencyError: No installed package has the classes of the file format.
    """
    with reading(name):
        value = metadata(content, ENTRY.encode())
    text = value[:_MOST_BYTES].decode("utf-8", "backslashreplace")
    return text if len(value) <= _MOST_BYTES else f"{text}…"


def with_entry(content: bytes, value: str) -> bytes:
    """The file with an entry of this value instead of its own; without one if it is empty.

    All other metadata stays. A file that already says so is returned as it is.

    Raises:
        ModelFileError: The file is damaged.
        MissingDependencyError: No installed package has the classes of the file format.
    """
    if entry(content) == value:
        return content
    with reading("The TFLite model"):
        return with_metadata(content, ENTRY.encode(), value.encode() or None)


def allows(value: str) -> bool:
    """Whether XNNPACK takes an entry as leave to compute in half precision."""
    return _ALLOWS.fullmatch(value) is not None


def computes_in(
    precision: str,
    entry: str,
    *,
    fp16_arithmetic: bool | None,
    delegate: str = "xnnpack",
    delegate_precision: str = "",
) -> str:
    """The type that a file's arithmetic is done in on a core, or on a GPU.

    Args:
        precision: Name of the file's precision, as `tflite.precision.precision_of` gives it.
        entry: What the file's entry says, as `entry` gives it.
        fp16_arithmetic: Whether the cores have float16 arithmetic; None if that is not known.
        delegate: What runs the file, after a fallback what really ran it; one of
            `android_benchmark.device.DELEGATES`.
        delegate_precision: `fp16` or `fp32`, what the delegate was told; empty if nothing. `fp16`
            makes XNNPACK compute in it without an entry. XNNPACK has no flag against an entry.

    Returns:
        `float32`, `float16`, `int8`, `int16`, or for `dynamic`, which computes its larger
        convolutions in integers, `int8 and float32` or `int8 and float16`. Empty if unknown, as for
        NPUs.
    """
    if delegate == "gpu":  # It computes quantized files in floating point, too.
        return _DELEGATE_TYPES.get(delegate_precision, "")
    if delegate not in ("xnnpack", "none"):
        return ""
    if precision in _INTEGERS:
        return _INTEGERS[precision]
    if precision not in (*FLOATING, "dynamic"):
        return ""
    half: bool | None = False
    if delegate == "xnnpack" and delegate_precision == "fp16":
        half = True
    elif delegate == "xnnpack" and allows(entry):
        half = fp16_arithmetic
    if half is None:
        return ""
    real = "float16" if half else "float32"
    return f"int8 and {real}" if precision == "dynamic" else real
