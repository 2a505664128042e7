"""The engine's own input."""

import struct

import pytest

from android_benchmark.engines.tflbench import noise


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
