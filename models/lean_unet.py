"""Lean U-Net: an encoder–decoder of depthwise-separable blocks, designed by counted instructions.

Half of the instructions of such a network are spent on the few layers at half resolution. These
are three here: the stem, the expansion that the first block and the last decoder share, and the
head, which gives four pixels for each. Everywhere else, depths and squeeze-and-excitation are
those of MediaPipe's Selfie Segmentation, so that its weights are a beginning
(`benchmarks/lean_unet.py`).

Sources: Howard et al., "Searching for MobileNetV3", 2019, arXiv:1905.02244 (the blocks, and
the pooled context); Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network", 2016, arXiv:1609.05158 (pixels from channels).

The file reads in three parts: the network as data, the blocks, the network.
"""

from __future__ import annotations

import dataclasses

import keras
from keras import layers

from models import register

# --- The network as data -----------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Bottleneck:
    """Expansion, depthwise convolution, projection; a residual where the shape is kept.

    Attributes:
        expanded: Channels of the depthwise convolution.
        output: Channels after the projection, which has no activation.
        kernel: Side of the depthwise kernel, in pixels.
        rate: Its dilation.
        swish: Whether its activations are those that `Design.swish` names.
    """

    name: str
    expanded: int
    output: int
    kernel: int = 3
    stride: int = 1
    rate: int = 1
    swish: bool = False


STEM_DEPTH = 16
BATCH_NORM_EPSILON = 1e-3

BLOCKS = (
    Bottleneck("enc1", 16, 16, stride=2),
    Bottleneck("enc2", 72, 24, stride=2),
    Bottleneck("enc3", 88, 24),
    Bottleneck("enc4", 96, 32, kernel=5, stride=2, swish=True),
    Bottleneck("enc5", 128, 32, kernel=5, swish=True),
    Bottleneck("enc6", 128, 32, kernel=5, swish=True),
    Bottleneck("enc7", 96, 32, kernel=5, swish=True),
    Bottleneck("enc8", 96, 32, kernel=5, swish=True),
)


@dataclasses.dataclass(frozen=True)
class Design:
    """What can be chosen; the defaults are the network.

    The other choices are those of the ablation, which begins at MediaPipe's Selfie.

    Attributes:
        swish: Activation of the stem and of the blocks that say so.
        squeezed: Blocks and decoders with squeeze-and-excitation.
        context: Channels at the coarsest resolution that the decoders begin with.
        shared: Whether the last decoder adds the first block's expanded channels, and
            not the stem's after a 1×1 convolution of its own.
        refined: Decoders that end in a depthwise convolution.
    """

    blocks: tuple[Bottleneck, ...] = BLOCKS
    swish: str = "relu"
    squeezed: tuple[str, ...] = (
        *("enc1", "enc4", "enc5", "enc6", "enc7", "enc8"),
        "context",
        *("dec1", "dec2"),
    )
    context: int = 128
    shared: bool = True
    refined: tuple[str, ...] = ("dec1", "dec2")


# --- Blocks ------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Builder:
    """Applies the blocks, with the settings that they share."""

    design: Design
    batch_norm_momentum: float

    def normalise(self, x, name: str, activation: str = ""):
        x = layers.BatchNormalization(
            momentum=self.batch_norm_momentum, epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm"
        )(x)
        return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x

    def conv(self, x, depth: int, name: str, activation: str = "", *, size=1, stride=1):
        x = layers.Conv2D(depth, size, strides=stride, padding="same", use_bias=False, name=name)(x)
        return self.normalise(x, name, activation)

    def depthwise(self, x, name: str, activation: str, *, size=3, stride=1, rate=1):
        x = layers.DepthwiseConv2D(
            size, strides=stride, dilation_rate=rate, padding="same", use_bias=False, name=name
        )(x)
        return self.normalise(x, name, activation)

    def scaled(self, x, by, name: str, squeezed: int | None):
        """`x` with each channel scaled by what the means of `by` give; see `Design.squeezed`."""
        scales = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(by)
        if squeezed:
            scales = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}_squeeze")(scales)
        scales = layers.Conv2D(x.shape[-1], 1, activation="sigmoid", name=f"{name}_excite")(scales)
        return layers.Multiply(name=f"{name}_scaled")([x, scales])

    def expand(self, x, block: Bottleneck):
        return self.conv(x, block.expanded, f"{block.name}_expand", self.activation(block))

    def activation(self, block: Bottleneck) -> str:
        return self.design.swish if block.swish else "relu"

    def reduce(self, x, block: Bottleneck):
        """The rest of a block, from its expanded channels on."""
        x = self.depthwise(
            x,
            f"{block.name}_depthwise",
            self.activation(block),
            size=block.kernel,
            stride=block.stride,
            rate=block.rate,
        )
        if block.name in self.design.squeezed:
            x = self.scaled(x, x, block.name, max(8, block.expanded // 4))
        return self.conv(x, block.output, f"{block.name}_project")

    def bottleneck(self, x, block: Bottleneck):
        y = self.reduce(self.expand(x, block), block)
        if x.shape[1:] == y.shape[1:]:
            y = layers.Add(name=f"{block.name}_add")([x, y])
        return y

    def decoder(self, x, shortcut, name: str, mixed: bool = True):
        """Enlarge to the shortcut's size and depth, and add it.

        Args:
            mixed: Whether a 1×1 convolution follows; otherwise the activation alone.
        """
        depth = shortcut.shape[-1]
        x = self.conv(x, depth, f"{name}_compress")
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_double")(x)
        if name in self.design.squeezed:
            joined = layers.Add(name=f"{name}_joined")([shortcut, x])
            shortcut = self.scaled(shortcut, joined, name, depth)
        x = layers.Add(name=f"{name}_sum")([shortcut, x])
        if mixed:
            x = self.conv(x, depth, f"{name}_mix", "relu")
        else:
            x = layers.ReLU(name=f"{name}_relu")(x)
        if name in self.design.refined:
            y = self.depthwise(x, f"{name}_depthwise", "relu")
            x = layers.Add(name=f"{name}_add")([x, y])
        return x


# --- The network -------------------------------------------------------------


def build(
    input_size: tuple[int, int], design: Design, batch_norm_momentum: float = 0.99
) -> keras.Model:
    """Build the training form of a design; see `lean_unet`."""
    built = _Builder(design, batch_norm_momentum)
    image = keras.Input((*input_size, 3), name="image")
    first, second, third, *rest = design.blocks
    stem = built.conv(image, STEM_DEPTH, "stem", design.swish, size=3, stride=2)
    expanded = built.expand(stem, first)
    quarter = built.reduce(expanded, first)
    eighth = built.bottleneck(built.bottleneck(quarter, second), third)
    x = eighth
    for block in rest:
        x = built.bottleneck(x, block)
    context = built.conv(x, design.context, "context_expand", "relu")
    if "context" in design.squeezed:
        context = built.scaled(context, x, "context", None)
    x = built.decoder(context, eighth, "dec1")
    x = built.decoder(x, quarter, "dec2")
    x = built.decoder(x, expanded if design.shared else stem, "dec3", mixed=not design.shared)
    logits = layers.Conv2DTranspose(1, 2, strides=2, padding="same", name="logits")(x)
    return keras.Model(image, {"logits": logits}, name="lean_unet_training")


@register(
    "lean-unet",
    title="Lean U-Net",
    stride=16,
    output_stride=16,
    input_sizes=(256,),
)
def lean_unet(input_size: tuple[int, int], *, batch_norm_momentum: float = 0.99) -> keras.Model:
    """Build the training form of Lean U-Net.

    Args:
        input_size: Height and width of the input in pixels, multiples of 16.
        batch_norm_momentum: Decay of the moving averages of batch norm.

    Returns:
        A model from RGB pictures in [0, 1] of shape (batch, height, width, 3) to a
        dictionary with `logits`, (batch, height, width, 1), whose sigmoid is alpha.
    """
    return build(input_size, Design(), batch_norm_momentum)
