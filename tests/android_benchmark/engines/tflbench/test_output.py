"""The engine's own input, and outputs of two machines compared."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark.engines.tflbench import TensorDifference, compare_outputs, noise


def test_noise_has_the_documented_values():
    """The first draws of the documented generator, as float32 and as bytes."""
    x, draws = 12345, []
    for _ in range(4):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        draws.append(x)
    assert noise("int16", 4) == bytes(draw >> 24 for draw in draws)
    assert struct.unpack("<4f", noise("float32", 16)) == tuple(
        (draw >> 8) / 16777216 for draw in draws
    )


def test_noise_covers_the_range():
    """Float noise fills 0 to 1, integer noise its whole range."""
    floats = struct.unpack("<4096f", noise("float32", 4 * 4096))
    assert 0 <= min(floats) < 0.01 and 0.99 < max(floats) < 1
    assert set(noise("int8", 4096)) == set(range(256))


@pytest.mark.parametrize("dtype", ["bool", "float16", "float64", "string"])
def test_no_noise_of_other_types(dtype):
    """A type whose values are not plain is refused."""
    with pytest.raises(ValueError, match=f"Received: {dtype}"):
        noise(dtype, 8)


@given(st.binary(max_size=64))
def test_equal_outputs_do_not_differ(output):
    """An output compared with itself has no difference."""
    difference = compare_outputs(output, output, "int8")
    assert difference == TensorDifference("int8", len(output), 0, 0.0) and difference.agrees


@pytest.mark.parametrize(
    ("dtype", "code", "host", "device", "different", "largest", "agrees"),
    [
        ("int8", "b", [-128, 0, 127], [-127, 0, 126], 2, 1, True),
        ("int8", "b", [-128, 0, 127], [127, 0, 127], 1, 255, False),
        ("uint8", "B", [0, 10, 20], [2, 10, 21], 2, 2, False),
        ("int16", "h", [-300, 5], [-301, 5], 1, 1, True),
        ("int32", "i", [7, 5], [8, 5], 1, 1, False),
        ("float32", "f", [0.5, 0.25], [0.5, 0.25006103515625], 1, 2**-14, True),
        ("float32", "f", [0.5, 0.25], [0.5, 0.2509765625], 1, 2**-10, False),
        ("float32", "f", [math.nan, 0.5], [math.nan, 0.5], 1, math.inf, False),
        ("float32", "f", [math.inf], [math.inf], 0, 0, True),
        ("float32", "f", [math.inf], [-math.inf], 1, math.inf, False),
    ],
)
def test_difference_of_outputs(dtype, code, host, device, different, largest, agrees):
    """Integers differ in steps, floating point by value; what is no number never agrees."""
    pack = struct.Struct(f"<{len(host)}{code}").pack
    result = compare_outputs(pack(*host), pack(*device), dtype)
    assert (result.elements, result.different) == (len(host), different)
    assert (result.largest, result.agrees) == (largest, agrees)


@pytest.mark.parametrize(
    ("host", "device", "dtype", "words"),
    [
        (b"1234", b"123", "int8", "Received: 4 and 3 bytes"),
        (b"123", b"123", "float32", "multiple of 4"),
        (b"1234", b"1234", "float16", "Received: float16"),
    ],
)
def test_outputs_that_cannot_be_compared_are_refused(host, device, dtype, words):
    """Another size or an unknown type is an error, not a difference."""
    with pytest.raises(ValueError, match=words):
        compare_outputs(host, device, dtype)
