"""Selective quantization: which layers int8 leaves in float."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.conversion.quantization import Source, int8
from mmnet_deploy.errors import ConversionError, ModelFileError, UsageError
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite.card import LayerError
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op

NEGLIGIBLE = 1.1
"""A layer goes back to int8 if the squared error then grows by at most this factor."""

_MOVES_ONLY = {
    "CONCATENATION",
    "DEPTH_TO_SPACE",
    "PACK",
    "PAD",
    "RESHAPE",
    "SLICE",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "UNPACK",
}
"""Operators that copy values; in int8 they add no error of their own."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which layers int8 leaves in float, and why.

    Attributes:
        float_layers: Their names, in the order in which they were chosen.
        ranking: What quantizing each layer costs, worst first; empty if it was not needed.
    """

    float_layers: tuple[str, ...] = ()
    ranking: tuple[LayerError, ...] = ()


def layers_of(graph: Graph) -> list[Op]:
    """The layers that compute, in the order of execution."""
    return [op for op in graph.ops if op.kind not in _MOVES_ONLY and op.outputs]


def _with_readers(graph: Graph, op: Op) -> tuple[str, ...]:
    """Names of a layer and of those that read its output, so that the output stays in float.

    The layer alone would not be enough: a reader in int8 would have its input quantized.
    """
    names = [op.name]
    waiting = [op]
    while waiting:
        for reader in graph.readers_of(waiting.pop().output):
            if reader.name not in names:
                names.append(reader.name)
                if reader.kind in _MOVES_ONLY:
                    waiting.append(reader)
    return tuple(names)


def by_pattern(graph: Graph, patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of the layers that the user means.

    Args:
        patterns: Regular expressions, each to be found in the names of layers, or `>=` and a
            number: layers whose output has at least this many rows.

    Raises:
        UsageError: A pattern is not a regular expression, or matches no layer.
    """
    layers = layers_of(graph)
    chosen: list[str] = []
    for pattern in patterns:
        found = _found(layers, pattern)
        if not found:
            raise UsageError(
                f"`float_layers` must match names of layers, such as "
                f"{layers[0].name.split(';')[0]}, or be >= and a number of rows that some have. "
                f"None matches {pattern}; `mmnet-deploy inspect --layers` lists them."
            )
        chosen += found
    return tuple(dict.fromkeys(chosen))


def _found(layers: Sequence[Op], pattern: str) -> list[str]:
    rows = re.fullmatch(r">=\s*([0-9]+)", pattern)
    if rows:
        least = int(rows[1])
        return [
            op.name for op in layers if len(op.output.shape) == 4 and op.output.shape[1] >= least
        ]
    try:
        return [op.name for op in layers if re.search(pattern, op.name)]
    except re.error as error:
        raise UsageError(
            f"`float_layers` must be a regular expression ({error}). Received: {pattern}."
        ) from error


def rank(
    source: Source,
    judge: Judge,
    path: Path,
    *,
    float_layers: Sequence[str] = (),
    progress: Progress = silent,
) -> list[LayerError]:
    """What quantizing each layer costs: how much the matte's error falls without it.

    Each layer's output in turn stays in float, for which the layer and its readers compute
    in float, while the rest is int8; the mean squared difference from the network's mattes
    is measured.

    Args:
        path: Names the file in messages.
        float_layers: Layers that stay in float throughout.

    Returns:
        All layers, worst first.
    """
    graph = Graph.from_bytes(source.calibrated)
    layers = layers_of(graph)
    found = []
    with progress("Ranking layers", len(layers) + 1) as advance:
        whole = _squared_error(source, float_layers, judge, path)
        advance()
        for op in layers:
            without = (*float_layers, *_with_readers(graph, op))
            error = whole - _squared_error(source, without, judge, path)
            found.append(LayerError(op.name, op.kind, error))
            advance()
    return sorted(found, key=lambda layer: -layer.error)


def _squared_error(source: Source, float_layers: Sequence[str], judge: Judge, path: Path) -> float:
    """Mean squared error of the int8 file; 1, the most there can be, if it gives no matte.

    XNNPACK refuses to run a file whose scales are too far apart, and a matte may be no number.
    """
    try:
        error = judge.squared_error(judge.mattes(int8(source, float_layers), path))
        return 1.0 if math.isnan(error) else error
    except (ConversionError, ModelFileError):
        return 1.0


def _says(change: float) -> str:
    if math.isinf(change):
        return "does not compute the network"
    return f"changes the gradient error by {100 * change:+.1f} %"


def require_masks(judge: Judge) -> None:
    """Make sure that gradient errors can be measured.

    Raises:
        UsageError: The held-out pictures have no masks.
    """
    if not judge.has_masks:
        raise UsageError(
            "`max_error_increase` needs masks to measure the gradient error: `representative` "
            "must be a data set with train/image and train/mask."
        )


def within(
    source: Source,
    judge: Judge,
    limit: float,
    path: Path,
    *,
    float_layers: Sequence[str] = (),
    near: Callable[[MatteDifference], bool] = lambda found: True,
    progress: Progress = silent,
) -> Choice:
    """Choose layers to leave in float, worst first, until the gradient error is within a limit.

    Layers that turn out not to be needed go back to int8.

    Args:
        limit: Largest relative increase of the gradient error over the network's.
        path: Names the file in messages.
        float_layers: Layers that stay in float in any case; they come first in the choice.
        near: Whether the mattes are also near enough to the network's: a matte with the
            right edges may still be wrong by |Δα|.

    Returns:
        The choice; without a ranking if int8 is within the limits as it is.

    Raises:
        UsageError: The held-out pictures have no masks.
        ConversionError: The limits are exceeded even with every layer in float.
    """
    require_masks(judge)

    def change(layers: Sequence[str]) -> float:
        """Relative change of the gradient error; infinite if the file cannot be accepted."""
        try:
            found = judge.difference(judge.mattes(int8(source, layers), path))
        except (ConversionError, ModelFileError):
            return math.inf
        increase = found.gradient_error_change
        if increase is None or math.isnan(increase) or not near(found):
            return math.inf
        return increase

    chosen = by_hand = tuple(float_layers)
    first = last = change(chosen)
    if last <= limit:
        return Choice(chosen)
    ranking = rank(source, judge, path, float_layers=by_hand, progress=progress)
    graph = Graph.from_bytes(source.calibrated)
    named = {op.name: op for op in graph.ops}
    for layer in ranking:
        names = (*chosen, *_with_readers(graph, named[layer.layer]))
        chosen = tuple(dict.fromkeys(names))
        last = change(chosen)
        if last <= limit:
            break
    else:
        raise ConversionError(
            f"int8 {_says(first)}, and with every layer in float it {_says(last)}: "
            f"the limit of {100 * limit:g} % cannot be kept."
        )
    # Some readers need not be in float. Not every layer that the limit would allow goes back:
    # a choice that is only just within it on these pictures would not be on others.
    bearable = NEGLIGIBLE * _squared_error(source, chosen, judge, path)
    for name in reversed(chosen[len(by_hand) :]):
        fewer = tuple(other for other in chosen if other != name)
        if change(fewer) <= limit and _squared_error(source, fewer, judge, path) <= bearable:
            chosen = fewer
    return Choice(chosen, tuple(ranking))
