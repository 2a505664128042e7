"""LDN+FB: a light dense network that segments, and a feathering block that makes the matte.

Source: Zhu et al., "Fast Deep Matting for Portrait Animation on Mobile Phone", 2017,
arXiv:1707.08289.

The file reads in three parts: the network as data, the two blocks, the network.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from models import Stage, register

# --- The network as data -----------------------------------------------------

STEM_DEPTH = 13
"""Channels of the strided convolution; with the pooled picture they are 16."""

DENSE_DEPTH = 16
DENSE_RATES = (2, 4, 6, 8)
FEATHER_DEPTH = 8
BATCH_NORM_EPSILON = 1e-3

STAGES = (
    Stage("segmentation", 0.4, "segmentation_", "segmentation_logits", ("cross_entropy",)),
    Stage("feathering", 0.3, "feathering_", terms=("alpha", "compositional")),
    Stage("both blocks", 0.3, terms=("alpha", "compositional")),
)
"""The paper has the first two stages; the third lets the segmentation follow the matte."""


# --- Blocks ------------------------------------------------------------------


def _segmentation(image):
    """The light dense network: foreground minus background logit, at half resolution.

    Each dilated convolution reads the outputs of the stem and of all before it.
    """
    stem = layers.Conv2D(STEM_DEPTH, 3, strides=2, padding="same", name="segmentation_stem")(image)
    pooled = layers.MaxPooling2D(2, name="segmentation_pool")(image)
    x = layers.Concatenate(name="segmentation_stem_concat")([stem, pooled])
    outputs: list = []
    for rate in DENSE_RATES:
        output = layers.Conv2D(
            DENSE_DEPTH,
            3,
            dilation_rate=rate,
            padding="same",
            activation="relu",
            name=f"segmentation_rate{rate}",
        )(x)
        outputs.append(output)
        x = layers.Concatenate(name=f"segmentation_rate{rate}_concat")([x, output])
    x = layers.Concatenate(name="segmentation_concat")(outputs)
    scores = layers.Conv2D(2, 3, padding="same", name="segmentation_scores")(x)
    background, foreground = ops.split(scores, 2, axis=-1)
    return layers.Subtract(name="segmentation_difference")([foreground, background])


def _feathering(image, foreground, background, momentum: float):
    """The feathering block: the logit of alpha, a·F + b·B + c."""
    squares = layers.Multiply(name="feathering_squares")([image, image])
    cut_out = layers.Multiply(name="feathering_cut_out")([image, foreground])
    x = layers.Concatenate(name="feathering_concat")(
        [image, background, foreground, squares, cut_out]
    )
    x = layers.Conv2D(FEATHER_DEPTH, 3, padding="same", use_bias=False, name="feathering_features")(
        x
    )
    x = layers.BatchNormalization(
        momentum=momentum, epsilon=BATCH_NORM_EPSILON, name="feathering_features_norm"
    )(x)
    x = layers.ReLU(name="feathering_features_relu")(x)
    maps = layers.Conv2D(3, 3, padding="same", name="feathering_maps")(x)
    a, b, c = ops.split(maps, 3, axis=-1)
    of_foreground = layers.Multiply(name="feathering_foreground")([a, foreground])
    of_background = layers.Multiply(name="feathering_background")([b, background])
    return layers.Add(name="feathering_logit")([of_foreground, of_background, c])


# --- The network -------------------------------------------------------------


@register(
    "ldn-fb",
    title="LDN+FB",
    stride=2,
    output_stride=2,
    input_sizes=(128, 256),
    published=((None, 128),),
    stages=STAGES,
)
def ldn_fb(input_size: tuple[int, int], *, batch_norm_momentum: float = 0.99) -> keras.Model:
    """Build the training form of LDN+FB.

    The softmax of two classes is written as the sigmoid of the difference of their logits
    and its complement, which is the same function: delegates have int8 kernels for these,
    but none for a softmax.

    Args:
        input_size: Height and width of the input in pixels, multiples of 2.
        batch_norm_momentum: Decay of the moving averages of batch norm.

    Returns:
        A model from RGB pictures in [0, 1] of shape (batch, height, width, 3) to a
        dictionary: `logits`, (batch, height, width, 1), whose sigmoid is alpha, and
        `segmentation_logits`, of the same shape, whose sigmoid is the foreground score.
    """
    image = keras.Input((*input_size, 3), name="image")
    difference = layers.UpSampling2D(2, interpolation="bilinear", name="segmentation_logits")(
        _segmentation(image)
    )
    foreground = layers.Activation("sigmoid", name="foreground")(difference)
    logits = _feathering(image, foreground, 1.0 - foreground, batch_norm_momentum)
    return keras.Model(
        image, {"logits": logits, "segmentation_logits": difference}, name="ldn_fb_training"
    )
