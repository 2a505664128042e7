"""Keras 3 definitions of portrait-matting networks, on any Keras backend.

    network = models.build("mmnet", width_multiplier=1.0, input_size=256)
    deployed = models.inference_network(network)

A family registers itself with `@register`; nothing here reads or writes files,
and nothing imports Keras before a network is built.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = [
    "Family",
    "ModelError",
    "build",
    "check",
    "family",
    "family_names",
    "inference_network",
    "register",
]


class ModelError(ValueError):
    """A network was asked for that cannot be built; the message says the rule."""


@dataclasses.dataclass(frozen=True)
class Family:
    """What is known of a network family without building it.

    Attributes:
        name: What the family is called on the command line.
        title: What the family is called in charts.
        width_multipliers: The width multipliers that it is defined for.
        stride: The input size must be a multiple of this, in pixels.
        builder: Makes the training form; see `build`.
    """

    name: str
    title: str
    width_multipliers: tuple[float, ...]
    stride: int
    builder: Callable[..., keras.Model]


_FAMILIES: dict[str, Family] = {}
_BUILT_IN = ("mmnet",)


def register(
    name: str, *, title: str, width_multipliers: tuple[float, ...], stride: int
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Decorate the builder of a family with the facts of `Family`."""

    def decorate(builder: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        _FAMILIES[name] = Family(name, title, width_multipliers, stride, builder)
        return builder

    return decorate


def family_names() -> tuple[str, ...]:
    """Names of all families, built in or registered since."""
    return tuple(sorted({*_BUILT_IN, *_FAMILIES}))


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        ModelError: There is none.
    """
    if name in _BUILT_IN:
        importlib.import_module(f"models.{name}")
    if name not in _FAMILIES:
        raise ModelError(
            f"The network must be one of {', '.join(family_names())}. Received: {name}."
        )
    return _FAMILIES[name]


def check(name: str, width_multiplier: float, input_size: int) -> Family:
    """Make sure that a family has a member, without building it; returns the family.

    Raises:
        ModelError: No such family, width multiplier or input size.
    """
    facts = family(name)
    if width_multiplier not in facts.width_multipliers:
        allowed = ", ".join(str(width) for width in facts.width_multipliers)
        raise ModelError(
            f"`width_multiplier` must be one of {allowed}. Received: {width_multiplier}."
        )
    if input_size < facts.stride or input_size % facts.stride:
        raise ModelError(
            f"`input_size` must be a positive multiple of {facts.stride}. Received: {input_size}."
        )
    return facts


def build(name: str, *, width_multiplier: float, input_size: int, **options: Any) -> keras.Model:
    """Build the training form of a network.

    Args:
        name: A family's name.
        width_multiplier: One of the family's `width_multipliers`.
        input_size: Height and width of the input in pixels, a multiple of the
            family's `stride`.
        options: Passed to the family's builder (`batch_norm_momentum`, `dropout`).

    Returns:
        A model from RGB pictures in [0, 1], (batch, size, size, 3), to a dictionary
        with `logits`, (batch, size, size, 2) for background and foreground, and,
        in families that have an auxiliary head, `auxiliary_logits`.

    Raises:
        ModelError: The family has no such member.
    """
    return check(name, width_multiplier, input_size).builder(
        width_multiplier, input_size, **options
    )


def inference_network(network: keras.Model) -> keras.Model:
    """The inference form of a training network; the two share their weights.

    Returns:
        A model from RGB pictures in [0, 1], (batch, size, size, 3), to the softmax
        of background and foreground, (batch, size, size, 2). Alpha is channel 1.
        An auxiliary head is left out.
    """
    import keras

    matte = keras.layers.Softmax(name="matte")(network.output["logits"])
    name = network.name.removesuffix("_training")
    return keras.Model(network.input, matte, name=name)
