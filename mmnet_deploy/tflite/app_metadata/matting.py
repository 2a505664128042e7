"""What a file of ours says to apps: how a picture becomes its input, and that it gives alpha."""

from __future__ import annotations

from mmnet_deploy.tflite.app_metadata.record import Metadata, TensorMetadata
from mmnet_deploy.tflite.card import ModelCard

PICTURE_AXES, PIXEL_AXES = (1, 3), (1, 2)
"""Dimensions of the whole picture, and of one confidence mask in an output of several."""


def normalization(low: float, high: float) -> tuple[float, float]:
    """Mean and standard deviation that bring bytes, 0 … 255, to low … high.

    MediaPipe computes low and high back from them (`image_preprocessing_graph.cc`).
    """
    deviation = 255 / (high - low)
    return -low * deviation + 0.0, deviation


def of_card(card: ModelCard, *, author: str = "", license: str = "") -> Metadata:
    """What a file with this description says.

    The same for all types of its input: a quantized file has the normalisation of the network
    that it was made from. The output is alpha already, so that no activation is left to apply.

    Args:
        author, license: Left out where empty.
    """
    mean, deviation = normalization(card.input_low, card.input_high)
    wide = "" if card.width_multiplier is None else f" {card.width_multiplier:g}"
    made = card.versions.get("mmnet-deploy", "")
    weights = card.weights_sha256[:12]
    picture = TensorMetadata(
        name="image",
        description=f"RGB picture of {card.width_px}×{card.height_px} pixels (width×height), "
        f"black {card.input_low:g} and white {card.input_high:g}.",
        content="image",
        color_space="RGB",
        mean=(mean,),
        std=(deviation,),
        low=(card.input_low,),
        high=(card.input_high,),
        dimensions=PICTURE_AXES,
    )
    channel = f" in channel {card.alpha_channel}" if card.alpha_channel else ""
    mask = TensorMetadata(
        name="alpha",
        description=f"Confidence mask: the alpha of the person{channel}, 0 … 1.",
        content="image",
        color_space="grayscale",
        low=(0.0,),
        high=(1.0,),
        dimensions=PIXEL_AXES,
    )
    return Metadata(
        name=f"{card.title}{wide}",
        description=f"Portrait matting: the alpha of the person in a picture. {card.precision}, "
        f"{card.graph} graph, weights {weights}, made with mmnet-deploy {made}.",
        version=f"{made}+{weights}",
        author=author,
        license=license,
        inputs=(picture,),
        outputs=(mask,),
        activation="none",
    )
