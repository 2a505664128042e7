"""Metadata of matting networks: what a file of ours says to apps, and what one of others tells."""

from __future__ import annotations

import dataclasses

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.output import LOGIT, SOFTMAX, Meaning
from mmnet_deploy.tflite.app_metadata.record import Metadata, TensorMetadata
from mmnet_deploy.tflite.card import ModelCard

_KINDS = {"sigmoid": LOGIT, "softmax": SOFTMAX}
"""What an output is, by the activation that is left to apply."""

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
    made_of = f" Weights made of {card.sources}." if card.sources else ""
    taught = f", taught by {card.taught_by}" if card.teacher else ""
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
        f"{card.graph} graph, weights {weights}{taught}, made with mmnet-deploy {made}.{made_of}",
        version=f"{made}+{weights}",
        author=author,
        license=license,
        inputs=(picture,),
        outputs=(mask,),
        activation="none",
    )


def completed(meaning: Meaning, said: Metadata, name: str, *, is_float: bool) -> Meaning:
    """What somebody says of a file, and what its metadata says where nobody does.

    Args:
        name: The file, for messages.
        is_float: Whether its input is float, so that normalisation alone says its range.

    Raises:
        UsageError: The metadata normalises each colour in another way, and nobody says a range.
    """
    kind = _KINDS.get(said.activation)
    if meaning.output is None and kind is not None:
        meaning = dataclasses.replace(meaning, output=kind)
    picture = said.inputs[0] if said.inputs else None
    if meaning.input_range is not None or not is_float or picture is None or not picture.mean:
        return meaning
    if len(picture.mean) != len(picture.std) or not all(deviation > 0 for deviation in picture.std):
        return meaning
    pairs = set(zip(picture.mean, picture.std, strict=True))
    if len(pairs) > 1:
        raise UsageError(
            f"`--input-range` must be one range for all colours: the metadata of {name} normalises "
            f"them by means {_listed(picture.mean)} and deviations {_listed(picture.std)}. Put "
            "that into the network (a Normalization layer) and convert it again."
        )
    ((mean, deviation),) = pairs
    # float32 in the file: 127.5 is exact, 1/255 is not.
    low, high = (round(end, 5) + 0.0 for end in (-mean / deviation, (255 - mean) / deviation))
    return dataclasses.replace(meaning, input_range=(low, high)) if low < high else meaning


def overruled(meaning: Meaning, said: Metadata, name: str, *, is_float: bool) -> str:
    """What a file's metadata says otherwise than somebody who is believed; empty if nothing.

    Args:
        meaning, said, name, is_float: As for `completed`.
    """
    asked = []
    kind = _KINDS.get(said.activation)
    if meaning.output is not None and kind not in (None, meaning.output):
        asked.append(f"`--output {kind}`")
    if meaning.input_range is not None:
        try:
            told = completed(Meaning(), said, name, is_float=is_float).input_range
        except UsageError:
            asked.append("another `--input-range` for each colour")
        else:
            if told is not None and told != meaning.input_range:
                asked.append(f"`--input-range {told[0]:g} {told[1]:g}`")
    if not asked:
        return ""
    return f"The metadata of {name} asks for {' and '.join(asked)}: what you say counts instead."


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
