"""The designs that led to Lean U-Net, each a step away from MediaPipe's Selfie."""

from __future__ import annotations

import dataclasses

import keras
from selfie_weights import SELFIE

import models
from models import lean_unet

CHOSEN = lean_unet.Design()
RELU = dataclasses.replace(SELFIE, swish="relu")
SHALLOW = dataclasses.replace(RELU, squeezed=(*SELFIE.squeezed[1:7],))
POOLED = dataclasses.replace(RELU, squeezed=("context",))
SHARED = dataclasses.replace(POOLED, shared=True)
QUARTER = dataclasses.replace(CHOSEN, squeezed=("context",))


def dilated(block: lean_unet.Bottleneck) -> lean_unet.Bottleneck:
    """A 5×5 kernel as a 3×3 one of the same reach."""
    return dataclasses.replace(block, kernel=3, rate=2) if block.kernel == 5 else block


def narrowed(**expanded: int) -> tuple[lean_unet.Bottleneck, ...]:
    """The blocks with fewer expanded channels."""
    return tuple(
        dataclasses.replace(block, expanded=expanded.get(block.name, block.expanded))
        for block in SELFIE.blocks
    )


DESIGNS: dict[str, lean_unet.Design] = {
    "selfie": SELFIE,
    "relu": RELU,
    "pooled-at-sixteenth": SHALLOW,
    "pooled-once": POOLED,
    "shared": SHARED,
    "quarter": QUARTER,
    "bilinear": QUARTER,
    "gated-at-sixteenth": dataclasses.replace(QUARTER, squeezed=SELFIE.squeezed[1:7]),
    "gated": CHOSEN,
    "narrow": dataclasses.replace(SHARED, blocks=narrowed(enc2=48, enc3=48)),
    "dilated": dataclasses.replace(QUARTER, blocks=tuple(map(dilated, QUARTER.blocks))),
}
BILINEAR = "bilinear"
"""The design whose logits have half resolution, with a bilinear enlargement as the last layer."""


def built(name: str, input_size: tuple[int, int], batch_norm_momentum: float = 0.99) -> keras.Model:
    """The training form of a design."""
    network = lean_unet.build(input_size, DESIGNS[name], batch_norm_momentum)
    if name != BILINEAR:
        return network
    half = keras.layers.Conv2D(1, 1, name="half_logits")(network.get_layer("logits").input)
    logits = keras.layers.UpSampling2D(2, interpolation="bilinear", name="logits")(half)
    return keras.Model(network.input, {"logits": logits}, name=network.name)


def register_designs() -> None:
    """Make each design a family, so that the commands can train it by name."""
    for name in DESIGNS:

        def family(
            input_size: tuple[int, int], *, batch_norm_momentum: float = 0.99, name: str = name
        ) -> keras.Model:
            return built(name, input_size, batch_norm_momentum)

        title = f"Lean U-Net, {name}"
        models.register(f"lean-unet-{name}", title=title, stride=16, output_stride=16)(family)
