"""Parameters and multiply-adds, against sums that are done here from the published tables.

Nothing of the networks' own tables is used: each architecture is written down once more, as
a row of convolutions, and counted with a pencil's arithmetic.
"""

import csv
import importlib.util
from pathlib import Path

import pytest

import models

ROOT = Path(__file__).parents[2]
POINTS = {point.name: point for point in models.operating_points()}
BUILT = [
    models.member_name(name, width, min(p.input_size for p in POINTS.values() if p.family == name))
    for name in sorted({point.family for point in POINTS.values()})
    for width in dict.fromkeys(
        fold(models.family(name).width_multipliers, default=None) for fold in (min, max)
    )
]
"""The narrowest and the widest of every family, at its smallest listed size."""


class Count:
    """Adds up weights and multiply-adds, a layer at a time."""

    def __init__(self):
        self.parameters = self.macs = 0

    def conv(self, side, inputs, outputs, kernel=1, bias=False, norm=True):
        """A convolution with a square output; a batch norm has four numbers per channel."""
        self.parameters += kernel * kernel * inputs * outputs + outputs * (bias + 4 * norm)
        self.macs += side * side * kernel * kernel * inputs * outputs
        return outputs

    def depthwise(self, side, channels, kernel=3):
        """Each channel by itself, and its batch norm."""
        self.parameters += kernel * kernel * channels + 4 * channels
        self.macs += side * side * kernel * kernel * channels
        return channels


def mmnet(width, size):
    """Table 1 of Seo et al.: branches of (expand, [stride], depthwise), then a projection."""
    count = Count()

    def nearest(depth):
        return max(8, 8 * ((round(depth * width) + 4) // 8))

    def encoder(side, inputs, expanded, output, branches, strided=False):
        half = side // 2 if strided else side
        for _ in range(branches):
            count.conv(side, inputs, nearest(expanded))
            if strided:
                count.depthwise(half, nearest(expanded))
            count.depthwise(half, nearest(expanded))
        return half, count.conv(half, branches * nearest(expanded), nearest(output))

    side, x = size // 2, count.conv(size // 2, 3, nearest(32), kernel=3)
    side, x = encoder(side, x, 16, 16, 4, strided=True)
    quarter, enc0 = side, x
    side, x = encoder(side, x, 16, 24, 4)
    for _ in range(2):
        side, x = encoder(side, x, 24, 24, 4)
    side, x = encoder(side, x, 32, 40, 3, strided=True)
    eighth, enc4 = side, x
    for _ in range(3):
        side, x = encoder(side, x, 64, 40, 3)
    side, x = encoder(side, x, 80, 80, 2, strided=True)
    side, x = encoder(side, x, 120, 80, 2)
    assert (quarter, eighth, side) == (size // 4, size // 8, size // 16)
    # Decoders compress, double, and join what a depthwise and a 1×1 make of the shortcut.
    for place, shortcut, depth in ((eighth, enc4, 64), (quarter, enc0, 40)):
        up = count.conv(place // 2, x, nearest(depth))
        count.depthwise(place, shortcut)
        x = up + count.conv(place, shortcut, nearest(depth))
    for _ in range(2):
        _, x = encoder(quarter, x, 40, 40, 3)
    x = count.conv(quarter, x, nearest(16))
    count.conv(size, x, 2, bias=True, norm=False)
    return count


def mobile_deeplab(width, size, output_stride):
    """Table 2 of Sandler et al. without its last convolution; head as in Chen et al."""
    count = Count()

    def nearest(depth):
        exact = int(depth * width)
        low = max(8, 8 * ((exact + 4) // 8))
        return low if low >= 0.9 * exact else low + 8

    side, x = size // 2, count.conv(size // 2, 3, nearest(32), kernel=3)
    x = count.conv(side, count.depthwise(side, x), nearest(16))
    for depth, number, stride in (
        (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1),
    ):  # fmt: skip
        for index in range(number):
            wide = count.conv(side, x, 6 * x)
            if index == 0 and stride == 2 and size // side < output_stride:
                side //= 2
            x = count.conv(side, count.depthwise(side, wide), nearest(depth))
    assert side == size // output_stride
    joined = count.conv(side, x, 256) + count.conv(1, x, 256)
    count.conv(side, count.conv(side, joined, 256), 2, bias=True, norm=False)
    return count


def ldn_fb(size):
    """Zhu et al.: a strided stem of 13 + 3 channels, four dense layers, two-class scores."""
    count, half = Count(), size // 2
    plain = {"kernel": 3, "bias": True, "norm": False}
    assert count.conv(half, 3, 13, **plain) + 3 == 16
    for inputs in (16, 32, 48, 64):
        count.conv(half, inputs, 16, **plain)
    count.conv(half, 4 * 16, 2, **plain)
    count.conv(size, 3 + 2 + 3 + 3, 8, kernel=3)
    count.conv(size, 8, 3, **plain)
    return count


def lean_unet(size):
    """MediaPipe Selfie's depths and pooled gates, with less at half resolution."""
    count = Count()

    def gate(depth, squeezed):
        count.conv(1, depth, squeezed, bias=True, norm=False)
        count.conv(1, squeezed, depth, bias=True, norm=False)

    half, quarter, eighth, coarse = (size // n for n in (2, 4, 8, 16))
    count.conv(half, 3, 16, kernel=3)
    count.conv(half, 16, 16)
    count.conv(quarter, count.depthwise(quarter, 16), 16)
    gate(16, 8)
    count.conv(quarter, 16, 72)
    count.conv(eighth, count.depthwise(eighth, 72), 24)
    count.conv(eighth, 24, 88)
    count.conv(eighth, count.depthwise(eighth, 88), 24)
    for place, inputs, expanded in (
        (eighth, 24, 96), (coarse, 32, 128), (coarse, 32, 128), (coarse, 32, 96), (coarse, 32, 96),
    ):  # fmt: skip
        count.conv(place, inputs, expanded)
        count.conv(coarse, count.depthwise(coarse, expanded, kernel=5), 32)
        gate(expanded, expanded // 4)
    count.conv(coarse, 32, 128)
    count.conv(1, 32, 128, bias=True, norm=False)
    for place, inputs, depth in ((coarse, 128, 24), (eighth, 24, 16)):
        count.conv(place, inputs, depth)
        gate(depth, depth)
        count.depthwise(2 * place, count.conv(2 * place, depth, depth))
    count.conv(quarter, 16, 16)
    # Each pixel at half resolution becomes a square of 2×2.
    count.parameters += 4 * 16 + 1
    count.macs += half * half * 4 * 16
    return count


def _derived(point):
    if point.family == "mmnet":
        return mmnet(point.width_multiplier, point.input_size)
    if point.family == "ldn-fb":
        return ldn_fb(point.input_size)
    if point.family == "lean-unet":
        return lean_unet(point.input_size)
    stride = {"md8": 8, "md16": 16}[point.family]
    return mobile_deeplab(point.width_multiplier, point.input_size, stride)


@pytest.mark.parametrize("name", POINTS)
def test_the_listed_costs_are_those_of_the_published_tables(name):
    """Parameters and multiply-adds of every operating point."""
    point, derived = POINTS[name], _derived(POINTS[name])
    assert (point.parameters, point.macs) == (derived.parameters, derived.macs)


def test_known_networks_have_the_known_number_of_weights():
    """MMNet 1.0 as measured, and MobileNetV2 1.0 without its top as Keras documents it."""
    assert mmnet(1.0, 256).parameters == 199_258
    last = 320 * 1280 + 4 * 1280
    head = 2 * (320 * 256 + 4 * 256) + 512 * 256 + 4 * 256 + 256 * 2 + 2
    assert mobile_deeplab(1.0, 256, 16).parameters - head + last == 2_257_984


@pytest.mark.parametrize("name", BUILT)
def test_the_table_is_that_of_the_networks(name):
    """What `tools/operating_points.py` counts on the built network is what is listed."""
    spec = importlib.util.spec_from_file_location(
        "operating_points", ROOT / "tools" / "operating_points.py"
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    point = POINTS[name]
    counted = tool.row(models.family(point.family), point.width_multiplier, point.input_size)
    with models.points.TABLE.open(newline="") as file:
        (listed,) = [row for row in csv.DictReader(file) if row["name"] == name]
    assert {key: "" if value is None else str(value) for key, value in counted.items()} == listed


def test_every_operating_point_of_a_family_is_listed():
    """No width or size that a family declares is missing from the table, and none is too many."""
    declared = [
        models.member_name(facts.name, width, size)
        for facts, width, size in models.registry.all_members()
    ]
    assert list(POINTS) == declared
