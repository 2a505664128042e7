"""MMNet, a light multi-branch network for portrait matting.

Source of the architecture: Seo et al., "Towards Real-Time Automatic Portrait
Matting on Mobile Devices", 2019, arXiv:1904.03816.

The file reads in three parts: the block tables, the blocks, the network.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers

from models import register

BATCH_NORM_EPSILON = 1e-3


# --- The network as data -----------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Encoder:
    """One multi-branch encoder block; depths are those of width multiplier 1."""

    name: str
    expanded: int
    output: int
    rates: tuple[int, ...]
    stride: int = 1
    linear: bool = True


@dataclasses.dataclass(frozen=True)
class Decoder:
    """One decoder block; `shortcut` names the block whose output is joined."""

    name: str
    compressed: int
    doublings: int
    shortcut: str | None = None
    shortcut_depth: int = 0


STEM_DEPTH = 32

BLOCKS: tuple[Encoder | Decoder, ...] = (
    Encoder("enc0", 16, 16, (1, 2, 4, 8), stride=2),
    Encoder("enc1", 16, 24, (1, 2, 4, 8)),
    Encoder("enc2", 24, 24, (1, 2, 4, 8)),
    Encoder("enc3", 24, 24, (1, 2, 4, 8)),
    Encoder("enc4", 32, 40, (1, 2, 4), stride=2),
    Encoder("enc5", 64, 40, (1, 2, 4)),
    Encoder("enc6", 64, 40, (1, 2, 4)),
    Encoder("enc7", 64, 40, (1, 2, 4)),
    Encoder("enc8", 80, 80, (1, 2), stride=2),
    Encoder("enc9", 120, 80, (1, 2), linear=False),
    Decoder("dec0", 64, doublings=1, shortcut="enc4", shortcut_depth=64),
    Decoder("dec1", 40, doublings=1, shortcut="enc0", shortcut_depth=40),
    Encoder("dec2", 40, 40, (1, 2, 4)),
    Encoder("dec3", 40, 40, (1, 2, 4)),
    Decoder("dec4", 16, doublings=2),
)

AUXILIARY_AT = "enc9"
"""The block (at 1/16 of the input resolution) that the auxiliary head reads."""


def scaled_depth(depth: int, width_multiplier: float) -> int:
    """`depth` times `width_multiplier`, to the nearest multiple of 8, at least 8."""
    return max(8, (round(depth * width_multiplier) + 4) // 8 * 8)


# --- Blocks ------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Builder:
    """Applies the blocks, with the settings that all convolutions of the network share."""

    width_multiplier: float
    batch_norm_momentum: float
    dropout: float

    def depth(self, depth: int) -> int:
        return scaled_depth(depth, self.width_multiplier)

    def normalise(self, x, name: str, activation: bool = True):
        """Batch norm, then ReLU6 if `activation`."""
        x = layers.BatchNormalization(
            momentum=self.batch_norm_momentum, epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm"
        )(x)
        return layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x) if activation else x

    def conv(self, x, depth: int, name: str, *, size=1, stride=1, activation=True):
        x = layers.Conv2D(
            self.depth(depth), size, strides=stride, padding="same", use_bias=False, name=name
        )(x)
        return self.normalise(x, name, activation)

    def depthwise(self, x, name: str, *, stride: int = 1, rate: int = 1):
        x = layers.DepthwiseConv2D(
            3, strides=stride, dilation_rate=rate, padding="same", use_bias=False, name=name
        )(x)
        return self.normalise(x, name)

    def encoder(self, x, block: Encoder):
        branches = []
        for rate in block.rates:
            name = f"{block.name}_rate{rate}"
            branch = self.conv(x, block.expanded, f"{name}_expand")
            if block.stride > 1:
                branch = self.depthwise(branch, f"{name}_stride", stride=block.stride)
            branches.append(self.depthwise(branch, f"{name}_depthwise", rate=rate))
        x = layers.Concatenate(name=f"{block.name}_concat")(branches)
        x = self.conv(x, block.output, f"{block.name}_project", activation=not block.linear)
        if self.dropout:
            x = layers.Dropout(self.dropout, name=f"{block.name}_dropout")(x)
        return x

    def decoder(self, x, block: Decoder, shortcut):
        x = self.conv(x, block.compressed, f"{block.name}_compress")
        for index in range(block.doublings):
            x = layers.UpSampling2D(
                2, interpolation="bilinear", name=f"{block.name}_double{index}"
            )(x)
        if shortcut is None:
            return x
        shortcut = self.depthwise(shortcut, f"{block.name}_shortcut_depthwise")
        shortcut = self.conv(shortcut, block.shortcut_depth, f"{block.name}_shortcut_project")
        return layers.Concatenate(name=f"{block.name}_concat")([x, shortcut])


# --- The network -------------------------------------------------------------


@register(
    "mmnet",
    title="MMNet",
    width_multipliers=(0.5, 0.75, 1.0, 1.4),
    stride=16,
    output_stride=16,
    input_sizes=(128, 256),
    published=((1.0, 128), (1.4, 128), (0.5, 256), (0.75, 256), (1.0, 256)),
)
def mmnet(
    input_size: tuple[int, int],
    *,
    width_multiplier: float,
    batch_norm_momentum: float = 0.999,
    dropout: float = 0.0,
) -> keras.Model:
    """Build the training form of MMNet.

    Args:
        input_size: Height and width of the input in pixels, multiples of 16.
        width_multiplier: Scales every depth but those of the two heads; one of
            0.5, 0.75, 1.0, 1.4.
        batch_norm_momentum: Decay of the moving averages of batch norm. The
            paper's 0.999 lags for thousands of steps; short trainings need less.
        dropout: Rate of dropout after each encoder block.

    Returns:
        A model from RGB pictures in [0, 1] of shape (batch, height, width, 3) to a
        dictionary: `logits`, (batch, height, width, 2), background and foreground,
        and `auxiliary_logits`, (batch, height / 16, width / 16, 2).
        `models.inference_network` drops the auxiliary head.
    """
    build = _Builder(width_multiplier, batch_norm_momentum, dropout)
    image = keras.Input((*input_size, 3), name="image")
    x = build.conv(image, STEM_DEPTH, "init", size=3, stride=2)
    outputs: dict[str, Any] = {}
    for block in BLOCKS:
        if isinstance(block, Encoder):
            x = build.encoder(x, block)
        else:
            x = build.decoder(x, block, outputs[block.shortcut] if block.shortcut else None)
        outputs[block.name] = x
    logits = layers.Conv2D(2, 1, name="logits")(x)
    auxiliary = layers.Conv2D(2, 1, name="auxiliary_logits")(outputs[AUXILIARY_AT])
    return keras.Model(
        image, {"logits": logits, "auxiliary_logits": auxiliary}, name="mmnet_training"
    )
