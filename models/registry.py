"""Families of networks by name: their facts, and how to build them.

A family registers itself with `@register`. It is found without being listed anywhere:
every module of this package is imported when an unknown family is asked for.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import math
import pkgutil
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from models.points import operating_points

if TYPE_CHECKING:
    import keras

Builder = Callable[..., "keras.Model"]
"""Takes `input_size`, (height, width), the width multiplier if the family has several, and
options; returns the training form of the network, see `build`."""


class ModelError(ValueError):
    """A network was asked for that cannot be built; the message gives the rule."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        title: What it trains, in a few words.
        share: Its share of the epochs, 0 … 1.
        trains: Prefix of the names of the layers that it trains; the others are frozen.
        logits: Name of the output of the training form that the losses read.
        terms: Names of the loss terms that it minimises; empty for all that apply.
    """

    title: str = "all layers"
    share: float = 1.0
    trains: str = ""
    logits: str = "logits"
    terms: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Family:
    """A network family, as far as it is known without building it.

    Attributes:
        name: Name on the command line.
        title: Name in charts.
        builder: Makes the training form; see `build`.
        width_multipliers: The width multipliers that it is defined for; empty for a family
            that has one width only.
        stride: Height and width of the input must be multiples of this, in pixels.
        output_stride: Input pixels per pixel of the coarsest features, along one axis.
        input_sizes: Height and width, in pixels, of its operating points.
        published: Width multiplier and input size of the operating points whose gradient
            error and latency the paper gives.
        stages: Parts of its training, in order; their shares sum to one.
    """

    name: str
    title: str
    builder: Builder
    width_multipliers: tuple[float, ...] = ()
    stride: int = 1
    output_stride: int | None = None
    input_sizes: tuple[int, ...] = ()
    published: tuple[tuple[float | None, int], ...] = ()
    stages: tuple[Stage, ...] = (Stage(),)


@dataclasses.dataclass(frozen=True)
class Member:
    """The network that a name stands for; None where the name leaves a value open."""

    family: str
    width_multiplier: float | None = None
    input_size: int | None = None


_FAMILIES: dict[str, Family] = {}


def register(name: str, *, title: str, **facts: Any) -> Callable[[Builder], Builder]:
    """Decorate the builder of a family with the facts of `Family`."""

    def decorate(builder: Builder) -> Builder:
        _FAMILIES[name] = Family(name, title, builder, **facts)
        return builder

    return decorate


def family_names() -> tuple[str, ...]:
    """Names of the families with operating points, and of all that are registered.

    This does not import Keras.
    """
    return tuple(sorted({*(point.family for point in operating_points()), *_FAMILIES}))


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        ModelError: There is none; the message gives the nearest names.
    """
    if name not in _FAMILIES:
        _import_families()
    if name not in _FAMILIES:
        raise _unknown(name)
    return _FAMILIES[name]


def _import_families() -> None:
    """Import every module of this package, and thus Keras."""
    package = importlib.import_module("models")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"models.{module.name}")


def _unknown(name: str) -> ModelError:
    names = [*family_names(), *(point.name for point in operating_points())]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return ModelError(
        f"The network must be one of {', '.join(family_names())}, or an operating point that "
        f"`mmnet-deploy models` lists{hint}. Received: {name}."
    )


def member(name: str) -> Member:
    """The network that a name stands for: a family, or an operating point such as `mmnet-1.0-256`.

    An operating point need not be among `operating_points`: the name may have any width
    multiplier and input size, and `check` tells whether the family has them.

    Raises:
        ModelError: It is neither.
    """
    found = re.fullmatch(r"(?P<family>.+?)(?:-(?P<width>\d+\.\d+))?-(?P<size>\d{1,6})", name)
    if name in family_names() or not found:
        return Member(family(name).name)
    if found["family"] not in family_names():
        _import_families()
    if found["family"] not in family_names():
        raise _unknown(name)
    facts = family(found["family"])
    if bool(found["width"]) != bool(facts.width_multipliers):
        raise _unknown(name)
    width = float(found["width"]) if found["width"] else None
    return Member(facts.name, width, int(found["size"]))


def check(name: str, width_multiplier: float | None, input_size: int | tuple[int, int]) -> Family:
    """Make sure that a family has a member, without building it; returns the family.

    Raises:
        ModelError: No such family, width multiplier or input size.
    """
    facts = family(name)
    if not facts.width_multipliers and width_multiplier is not None:
        raise ModelError(
            f"`width_multiplier` must be left out: {facts.title} has one width only. "
            f"Received: {width_multiplier}."
        )
    if facts.width_multipliers and width_multiplier not in facts.width_multipliers:
        allowed = ", ".join(str(width) for width in facts.width_multipliers)
        received = "none" if width_multiplier is None else width_multiplier
        raise ModelError(f"`width_multiplier` must be one of {allowed}. Received: {received}.")
    if any(length < facts.stride or length % facts.stride for length in as_pair(input_size)):
        received = input_size if isinstance(input_size, int) else "x".join(map(str, input_size))
        raise ModelError(
            f"`input_size` must be a positive multiple of {facts.stride}. Received: {received}."
        )
    return facts


def as_pair(input_size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width; one number stands for both."""
    return (input_size, input_size) if isinstance(input_size, int) else input_size


def build(
    name: str,
    *,
    input_size: int | tuple[int, int],
    width_multiplier: float | None = None,
    **options: Any,
) -> keras.Model:
    """Build the training form of a network.

    Args:
        name: A family's name.
        input_size: Height and width of the input in pixels, one number for both; multiples
            of the family's `stride`.
        width_multiplier: One of the family's `width_multipliers`; None if it has none.
        options: Passed to the family's builder (`batch_norm_momentum`, `dropout`).

    Returns:
        A model from RGB pictures in [0, 1], (batch, height, width, 3), to a dictionary of
        logits: `logits`, (batch, height, width, 2) for background and foreground, or with
        1 channel for their difference, whose sigmoid is alpha; `auxiliary_logits`, coarser
        and with 2 channels, where there is an auxiliary head; and all others that the
        family's `stages` name.

    Raises:
        ModelError: The family has no such member.
    """
    facts = check(name, width_multiplier, input_size)
    if facts.width_multipliers:
        options["width_multiplier"] = width_multiplier
    return facts.builder(as_pair(input_size), **options)


def inference_network(network: keras.Model) -> keras.Model:
    """The inference form of a training network; the two share their weights.

    Returns:
        A model from RGB pictures in [0, 1], (batch, height, width, 3), to the softmax of
        background and foreground, (batch, height, width, 2), or to the sigmoid of their
        difference, (batch, height, width, 1). Alpha is the last channel. Layers that only
        the training needs are left out.
    """
    import keras

    logits = network.output["logits"]
    if logits.shape[-1] == 1:
        matte = keras.layers.Activation("sigmoid", name="matte")(logits)
    else:
        matte = keras.layers.Softmax(name="matte")(logits)
    name = network.name.removesuffix("_training")
    return keras.Model(network.input, matte, name=name)


def all_members() -> list[tuple[Family, float | None, int]]:
    """Width multiplier and input size of every operating point of this package's families."""
    _import_families()
    members = []
    for facts in sorted(_FAMILIES.values(), key=lambda facts: facts.name):
        if facts.builder.__module__.startswith("models."):
            widths: tuple[float | None, ...] = facts.width_multipliers or (None,)
            members += [(facts, width, size) for width in widths for size in facts.input_sizes]
    return members


def multiply_adds(network: keras.Model) -> int:
    """Multiply-adds of the convolutions in one inference; padding counts like the picture."""
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose)

    def applied(layer: keras.layers.Layer) -> int:
        """How often the kernel is applied: a transposed one at each pixel of the input."""
        transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        return math.prod((layer.input if transposed else layer.output).shape[1:3])

    return sum(
        applied(layer) * math.prod(layer.kernel.shape)
        for layer in network.layers
        if isinstance(layer, kinds)
    )
