"""Mobile DeepLabv3 with output stride 8 or 16, the baseline of the MMNet paper.

Sources: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
arXiv:1801.04381 (the backbone, and DeepLabv3 without atrous branches and decoder on top
of it); Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation",
2017, arXiv:1706.05587 (dilation in place of stride, and image pooling).

The layers of the backbone have the names and shapes of those of
`keras.applications.MobileNetV2`, so that its weights can be loaded by name. The file reads
in four parts: the block table, the backbone, the head, the two families.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers

from models import register

# --- The network as data -----------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Residuals:
    """A row of inverted residuals; depths are those of width multiplier 1."""

    expansion: int
    output: int
    count: int
    stride: int


STEM_DEPTH = 32

BACKBONE: tuple[Residuals, ...] = (
    Residuals(1, 16, count=1, stride=1),
    Residuals(6, 24, count=2, stride=2),
    Residuals(6, 32, count=3, stride=2),
    Residuals(6, 64, count=4, stride=2),
    Residuals(6, 96, count=3, stride=1),
    Residuals(6, 160, count=3, stride=2),
    Residuals(6, 320, count=1, stride=1),
)
"""MobileNetV2 up to its last residual; the first residual of a row has the stride."""

HEAD_DEPTH = 256
BACKBONE_EPSILON = 1e-3
HEAD_EPSILON = 1e-5


def scaled_depth(depth: int, width_multiplier: float) -> int:
    """`depth` times `width_multiplier`, to a multiple of 8 that is at most 10 % less."""
    exact = int(depth * width_multiplier)
    rounded = max(8, (exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


# --- The backbone ------------------------------------------------------------


@dataclasses.dataclass
class _Builder:
    """Applies layers, with the settings that they share and the stride reached so far."""

    width_multiplier: float
    output_stride: int
    batch_norm_momentum: float
    reached: int = 1
    rate: int = 1

    def depth(self, depth: int) -> int:
        return scaled_depth(depth, self.width_multiplier)

    def stride_and_rate(self, stride: int) -> tuple[int, int]:
        """Stride and dilation of the next layer: from the output stride on, layers dilate."""
        if self.reached == self.output_stride:
            rate, self.rate = self.rate, self.rate * stride
            return 1, rate
        self.reached *= stride
        return stride, 1

    def normalise(self, x, name: str, epsilon: float = BACKBONE_EPSILON):
        return layers.BatchNormalization(
            momentum=self.batch_norm_momentum, epsilon=epsilon, name=name
        )(x)

    def stem(self, x):
        stride, _ = self.stride_and_rate(2)
        x = _conv(self.depth(STEM_DEPTH), 3, strides=stride, name="Conv1")(x)
        return layers.ReLU(6.0, name="Conv1_relu")(self.normalise(x, "bn_Conv1"))

    def residual(self, x, name: str, expansion: int, output: int, stride: int):
        """Expand, filter each channel, project; add the input if the shape is kept."""
        source, (step, rate) = x, self.stride_and_rate(stride)
        if expansion > 1:
            x = _conv(expansion * x.shape[-1], 1, name=f"{name}_expand")(x)
            x = self.normalise(x, f"{name}_expand_BN")
            x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
        x = layers.DepthwiseConv2D(
            3,
            strides=step,
            dilation_rate=rate,
            padding="same",
            use_bias=False,
            depthwise_initializer=_initial(),
            name=f"{name}_depthwise",
        )(x)
        x = self.normalise(x, f"{name}_depthwise_BN")
        x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
        x = _conv(output, 1, name=f"{name}_project")(x)
        x = self.normalise(x, f"{name}_project_BN")
        if stride == 1 and x.shape[-1] == source.shape[-1]:
            x = layers.Add(name=f"{name}_add")([source, x])
        return x

    def backbone(self, x):
        x, number = self.stem(x), 0
        for row in BACKBONE:
            for index in range(row.count):
                name = f"block_{number}" if number else "expanded_conv"
                stride = row.stride if index == 0 else 1
                x = self.residual(x, name, row.expansion, self.depth(row.output), stride)
                number += 1
        return x

    # --- The head ------------------------------------------------------------

    def pointwise(self, x, name: str):
        """1×1 convolution to the head's depth, batch norm, ReLU."""
        x = self.normalise(_conv(HEAD_DEPTH, 1, name=name)(x), f"{name}_norm", HEAD_EPSILON)
        return layers.ReLU(name=f"{name}_relu")(x)

    def head(self, x, dropout: float):
        """The 1×1 branch joined with the image pooling; logits at the size of `x`."""
        height, width = x.shape[1:3]
        branch = self.pointwise(x, "aspp_pointwise")
        pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(x)
        pooled = self.pointwise(pooled, "aspp_pool_pointwise")
        pooled = layers.UpSampling2D(
            (height, width), interpolation="bilinear", name="aspp_pool_resize"
        )(pooled)
        x = layers.Concatenate(name="aspp_concat")([branch, pooled])
        x = self.pointwise(x, "aspp_project")
        if dropout:
            x = layers.Dropout(dropout, name="aspp_dropout")(x)
        return layers.Conv2D(2, 1, kernel_initializer=_initial(), name="coarse_logits")(x)


def _initial() -> keras.initializers.Initializer:
    """A new initializer for each layer: a shared one would give all layers the same values."""
    return keras.initializers.TruncatedNormal(stddev=0.09)


def _conv(depth: int, size: int, **options: Any) -> layers.Conv2D:
    return layers.Conv2D(
        depth, size, padding="same", use_bias=False, kernel_initializer=_initial(), **options
    )


# --- The two families --------------------------------------------------------


def mobile_deeplab(
    output_stride: int,
    input_size: tuple[int, int],
    *,
    width_multiplier: float,
    batch_norm_momentum: float = 0.9997,
    dropout: float = 0.1,
) -> keras.Model:
    """Build the training form of Mobile DeepLabv3.

    Args:
        output_stride: Stride from which on the backbone dilates instead: 8 or 16.
        input_size: Height and width of the input in pixels, multiples of the output
            stride.
        width_multiplier: Scales the depths of the backbone, not those of the head.
        batch_norm_momentum: Decay of the moving averages of batch norm. The paper's
            0.9997 lags for thousands of steps; short trainings need less.
        dropout: Rate of dropout before the logits.

    Returns:
        A model from RGB pictures in [0, 1] of shape (batch, height, width, 3), which it
        scales to [−1, 1] as MobileNetV2 expects, to a dictionary with `logits`,
        (batch, height, width, 2), background and foreground.
    """
    build = _Builder(width_multiplier, output_stride, batch_norm_momentum)
    image = keras.Input((*input_size, 3), name="image")
    x = build.backbone(layers.Rescaling(2.0, -1.0, name="signed")(image))
    x = build.head(x, dropout)
    logits = layers.UpSampling2D(output_stride, interpolation="bilinear", name="logits")(x)
    return keras.Model(image, {"logits": logits}, name=f"md{output_stride}_training")


_FACTS: dict[str, Any] = {
    "width_multipliers": (0.35, 0.5, 0.75, 1.0),
    "input_sizes": (128, 256),
}


@register(
    "md8",
    title="Mobile DeepLabv3 OS8",
    stride=8,
    output_stride=8,
    published=((0.35, 128), (0.5, 128), (0.75, 128)),
    **_FACTS,
)
def md8(input_size: tuple[int, int], **options: Any) -> keras.Model:
    """Mobile DeepLabv3 with output stride 8; see `mobile_deeplab`."""
    return mobile_deeplab(8, input_size, **options)


@register(
    "md16",
    title="Mobile DeepLabv3 OS16",
    stride=16,
    output_stride=16,
    published=((0.75, 128), (1.0, 128), (0.5, 256), (0.75, 256)),
    **_FACTS,
)
def md16(input_size: tuple[int, int], **options: Any) -> keras.Model:
    """Mobile DeepLabv3 with output stride 16; see `mobile_deeplab`."""
    return mobile_deeplab(16, input_size, **options)
