"""How a network is trained, apart from which network and which pictures.

Every field has a rule, which is checked wherever a value comes from: a recipe file, the
command line or a run's stored configuration. The defaults are a recipe of their own.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files.toml import MOST_SHOWN, cut_off, shown


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a field may be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


# Not-a-number fails every comparison, so each rule says what is allowed.
COUNT = Rule("1 … 1000000", lambda value: 1 <= value <= 1_000_000)
POSITIVE = Rule("above 0 and finite", lambda value: 0 < value < math.inf)
NOT_NEGATIVE = Rule("at least 0 and finite", lambda value: 0 <= value < math.inf)
SHARE = Rule("0 … 1", lambda value: 0 <= value <= 1)
INNER_SHARE = Rule("above 0 and below 1", lambda value: 0 < value < 1)
DECAY = Rule("at least 0 and below 1", lambda value: 0 <= value < 1)


def _is_weight(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return 2 <= len(value) <= MOST_WEIGHTS and all(map(NOT_NEGATIVE.holds, value))
    return NOT_NEGATIVE.holds(value)


MOST_WEIGHTS = 20
WEIGHT = Rule(f"at least 0 and finite; a list has 2 … {MOST_WEIGHTS} of them", _is_weight)


def choice(*allowed: str) -> Rule:
    """One of a few words."""
    return Rule(f"one of {', '.join(allowed)}", lambda value: value in allowed)


def ruled(rule: Rule, **default: Any) -> Any:
    """A dataclass field with a rule; `default` as for `dataclasses.field`."""
    return dataclasses.field(metadata={"rule": rule}, **default)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        steps_per_epoch: Steps of an epoch; None for as many as show every picture once.
        max_pairs: How many pairs to train on at most, drawn by the seed; None for all. Of pictures
            without masks where there are no pairs.
        validation_share: Share of the pairs that is held out; at least one pair.
        learning_rate: Highest rate of the schedule.
        schedule: `cosine` falls to 0 at the last step; `piecewise` multiplies by
            `milestone_factor` at each of the `milestones`; `fixed` stays.
        warmup_share: Share of the training in which the rate rises linearly from 0.
        milestones: When `piecewise` lowers the rate: shares of the training, 0 … 1, rising.
        momentum: Momentum of `sgd` and `rmsprop`.
        ema_decay: Decay per step of the moving average of the weights, which is what is
            validated and stored; 0 for the weights themselves.
        initial_share: Share of the weights that the training began with in those that are
            validated and stored; the rest is what was trained (Wortsman et al. 2022, Robust
            fine-tuning of zero-shot models, arXiv:2109.01903). Not for random initial weights.
        weight_decay: Factor of the sum of squares of the convolution kernels; depthwise ones
            are left out.
        dropout: Dropout rate; None for the family's own.
        batch_norm_momentum: Decay of the moving averages in batch norm; None for what
            `run.auto_batch_norm_momentum` gives.
        batch_norm_epsilon: ε of batch norm; None for the family's own.
        loss_alpha: Weight λ of a loss term, like the fields that follow; see `losses`. One number
            for the whole training, or a list of numbers, at the first step, at the last one, and
            at even distances between, with straight lines from one to the next.
        unlabelled_share: Share of the pictures without masks in what is trained on, where there
            are some with masks too; None for each picture as often as any other.
        teacher_weight: Weight in the loss of a picture without a mask, whose truth is the
            teacher's matte, where there are some with masks too; theirs is 1.
        teacher_on_labelled: Share of the loss of a picture with a mask that compares with the
            teacher's matte; the rest compares with the mask.
        max_scale: Largest enlargement of a picture per axis; the smallest is 1.
        max_rotation_deg: Largest rotation of a picture in degrees, in either direction.
        rotation_share: Share of the pictures that is rotated.
        flip_share: Share of the pictures that is mirrored.
        brightness: Largest change of brightness, where white is 1. For the colour fields from
            here to `gamma` see `colour.sample`.
        background_share: Share of the pictures with soft masks that is put before another
            background, where backgrounds are given.
        jit_compile: Whether to compile the step with XLA; `auto` does where that is faster.
        keep_checkpoints: How many of the latest epochs' networks to keep, besides the last and
            the best.
    """

    epochs: int = ruled(COUNT, default=60)
    steps_per_epoch: int | None = ruled(COUNT, default=None)
    batch_size: int = ruled(Rule("1 … 4096", lambda value: 1 <= value <= 4096), default=16)
    max_pairs: int | None = ruled(Rule("at least 2", lambda value: value >= 2), default=None)
    validation_share: float = ruled(INNER_SHARE, default=0.05)
    seed: int = ruled(Rule("0 … 4294967295", lambda value: 0 <= value < 2**32), default=0)

    optimizer: str = ruled(choice("adam", "sgd", "rmsprop"), default="adam")
    learning_rate: float = ruled(POSITIVE, default=1e-2)
    schedule: str = ruled(choice("cosine", "piecewise", "fixed"), default="cosine")
    warmup_share: float = ruled(DECAY, default=0.0)
    milestones: tuple[float, ...] = ruled(
        Rule(
            "numbers above 0 and below 1, rising",
            lambda value: (
                all(0 < share < 1 for share in value) and list(value) == sorted(set(value))
            ),
        ),
        default=(0.5, 0.75),
    )
    milestone_factor: float = ruled(INNER_SHARE, default=0.1)
    momentum: float = ruled(DECAY, default=0.9)
    ema_decay: float = ruled(DECAY, default=0.0)
    initial_share: float = ruled(DECAY, default=0.0)

    weight_decay: float = ruled(NOT_NEGATIVE, default=4e-7)
    dropout: float | None = ruled(DECAY, default=None)
    batch_norm_momentum: float | None = ruled(DECAY, default=None)
    batch_norm_epsilon: float | None = ruled(POSITIVE, default=None)

    loss_alpha: float | tuple[float, ...] = ruled(WEIGHT, default=1.0)
    loss_compositional: float | tuple[float, ...] = ruled(WEIGHT, default=1.0)
    loss_gradient: float | tuple[float, ...] = ruled(WEIGHT, default=1.0)
    loss_cross_entropy: float | tuple[float, ...] = ruled(WEIGHT, default=(1.0, 0.0, 0.0))
    loss_auxiliary: float | tuple[float, ...] = ruled(WEIGHT, default=1.0)

    unlabelled_share: float | None = ruled(INNER_SHARE, default=None)
    teacher_weight: float = ruled(POSITIVE, default=1.0)
    teacher_on_labelled: float = ruled(SHARE, default=0.0)

    max_scale: float = ruled(Rule("1 … 4", lambda value: 1 <= value <= 4), default=1.15)
    max_rotation_deg: float = ruled(Rule("0 … 45", lambda value: 0 <= value <= 45), default=15.0)
    rotation_share: float = ruled(SHARE, default=0.5)
    flip_share: float = ruled(SHARE, default=0.5)
    brightness: float = ruled(SHARE, default=0.0)
    contrast: float = ruled(DECAY, default=0.0)
    saturation: float = ruled(SHARE, default=0.0)
    hue_deg: float = ruled(Rule("0 … 180", lambda value: 0 <= value <= 180), default=0.0)
    gamma: float = ruled(DECAY, default=0.0)
    background_share: float = ruled(SHARE, default=0.5)

    mixed_precision: str = ruled(choice("off", "float16", "bfloat16"), default="off")
    jit_compile: str = ruled(choice("auto", "on", "off"), default="auto")
    keep_checkpoints: int = ruled(
        Rule("0 … 1000000", lambda value: 0 <= value <= 1_000_000), default=0
    )

    @property
    def loss_weights(self) -> dict[str, tuple[float, ...]]:
        """The weights λ of each loss term along the training, by its name; one if it stays."""
        found = {
            name.removeprefix("loss_"): getattr(self, name)
            for name in field_names()
            if name.startswith("loss_")
        }
        return {
            name: value if isinstance(value, tuple) else (value,) for name, value in found.items()
        }

    def loss_weights_at(self, share: float) -> dict[str, float]:
        """The weight λ of each loss term after a share of the training, 0 … 1."""
        return {name: _at(share, values) for name, values in self.loss_weights.items()}

    def weightless_at(self, terms: Iterable[str]) -> float | None:
        """The share of the training at which all of these loss terms have the weight 0 first.

        None if one of them has a weight at any moment.
        """
        weights = [self.loss_weights[name] for name in terms]
        # Between two of them lie lines that are not below 0: all 0 between means 0 at both.
        moments = {
            Fraction(number, max(1, len(values) - 1))
            for values in weights
            for number in range(len(values))
        }
        for share in sorted(moments):
            if not any(_at(share, values) for values in weights):
                return float(share)
        return None


def _at(share: float | Fraction, values: tuple[float, ...]) -> float:
    """The value after a share of the way along values at even distances."""
    if len(values) == 1:
        return values[0]
    place = share * (len(values) - 1)
    before = min(int(place), len(values) - 2)
    rest = place - before
    return float((1 - rest) * values[before] + rest * values[before + 1])


def _by_name() -> dict[str, dataclasses.Field]:
    return {field.name: field for field in dataclasses.fields(Recipe)}


def field_names() -> tuple[str, ...]:
    """The fields of a recipe, in order."""
    return tuple(_by_name())


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "tuple[float, ...]": "a list of numbers",
    "float | tuple[float, ...]": "a number or a list of numbers",
}
_KINDS = {"int": "int", "float": "float", "str": "str", "bool": "bool", "NoneType": "None"}


def fits(value: Any, annotation: str) -> bool:
    """Whether a value is of an annotated type; whole numbers fit `float`, truths no number."""
    allowed = annotation.split(" | ")
    kind = _KINDS.get(type(value).__name__, "")
    if isinstance(value, (list, tuple)):
        return "tuple[float, ...]" in allowed and all(fits(item, "float") for item in value)
    return kind in allowed or (kind == "int" and "float" in allowed)


def problem(field: dataclasses.Field, value: Any) -> str | None:
    """What is wrong with a value, as a sentence without an end; None if nothing is."""
    kind = str(field.type).removesuffix(" | None")
    rule: Rule | None = field.metadata.get("rule")
    if not fits(value, str(field.type)):
        words = f", {rule.words}" if rule else ""
        return f"`{field.name}` must be {_WORDS.get(kind, kind)}{words}. Received: {shown(value)}"
    if value is not None and rule and not (rule.holds(value) and _is_stored(field, value)):
        given = cut_off(value) if isinstance(value, str) else shown(value)
        return f"`{field.name}` must be {rule.words}. Received: {given}"
    return None


def _is_stored(field: dataclasses.Field, value: Any) -> bool:
    """Whether the field's type can hold a value: a whole number may be beyond all floats."""
    try:
        as_typed(field, value)
    except OverflowError:
        return False
    return True


def unknown(name: str) -> str:
    """What is wrong with a field that does not exist, as a sentence without its full stop."""
    close = difflib.get_close_matches(name[:MOST_SHOWN], field_names(), n=3)
    allowed = close or field_names()
    words = ", ".join(f"`{word}`" for word in allowed)
    return f"`{cut_off(name)}` is no field of a recipe: {words}"


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a recipe's fields, each in its type.

    Raises:
        UsageError: A field does not exist, or a value has a wrong type or breaks a rule.
    """
    fields = _by_name()
    for name, value in values.items():
        said = problem(fields[name], value) if name in fields else unknown(name)
        if said:
            raise UsageError(f"{said}.")
    return {name: as_typed(fields[name], value) for name, value in values.items()}


def as_typed(field: dataclasses.Field, value: Any) -> Any:
    """A value that fits, as the field's own type: TOML and JSON write 1 for 1.0."""
    if isinstance(value, (list, tuple)):
        return tuple(float(item) for item in value)
    if isinstance(value, int) and str(field.type).startswith("float"):
        return float(value)
    return value
