"""Selective quantization: which layers int8 leaves in float."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.conversion.quantization import Source, int8
from mmnet_deploy.errors import ConversionError, ModelFileError, UsageError
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite.card import LayerError
from mmnet_deploy.tflite.graph import Graph, Op

NEGLIGIBLE = 1.1
"""Layers go back to int8 as long as the squared error is within this ratio."""

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
"""They copy values; in int8 they add no error of their own."""


def layers_of(graph: Graph) -> list[Op]:
    """The layers that compute, in the order of execution."""
    return [op for op in graph.ops if op.kind not in _MOVES_ONLY and op.outputs]


def _with_readers(graph: Graph, op: Op) -> tuple[str, ...]:
    """Names of a layer and of those that read its output, so that it stays in float.

    A layer alone would not do: what reads it in int8 would have its output quantized.
    """
    names = [op.name]
    waiting = [op]
    while waiting:
        for reader in graph.consumers(waiting.pop().output):
            if reader.name not in names:
                names.append(reader.name)
                if reader.kind in _MOVES_ONLY:
                    waiting.append(reader)
    return tuple(names)


def by_pattern(source: Source, patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of the layers in which a regular expression is found.

    Raises:
        UsageError: A pattern is no regular expression, or names no layer.
    """
    layers = layers_of(Graph.from_bytes(source.calibrated))
    chosen: list[str] = []
    for pattern in patterns:
        try:
            found = [op.name for op in layers if re.search(pattern, op.name)]
        except re.error as error:
            raise UsageError(
                f"`float_layers` must be a regular expression ({error}). Received: {pattern}."
            ) from error
        if not found:
            raise UsageError(
                f"`float_layers` must name layers, such as {layers[0].name.split(';')[0]}. "
                f"None has {pattern} in its name; `mmnet-deploy inspect --layers` lists them."
            )
        chosen += found
    return tuple(dict.fromkeys(chosen))


def rank(
    source: Source, judge: Judge, path: Path, *, progress: Progress = silent
) -> list[LayerError]:
    """What quantizing each layer costs: how much the matte's error falls without it.

    Each layer's output in turn stays in float, for which it and its readers compute in
    float, while the rest is int8; the mean squared difference from the network's mattes is
    measured.

    Returns:
        All layers, worst first.
    """
    graph = Graph.from_bytes(source.calibrated)
    layers = layers_of(graph)
    kept = source.float_layers
    found = []
    with progress("Ranking layers", len(layers) + 1) as advance:
        whole = _squared_error(source, judge, path)
        advance()
        try:
            for op in layers:
                source.float_layers = (*kept, *_with_readers(graph, op))
                found.append(
                    LayerError(op.name, op.kind, whole - _squared_error(source, judge, path))
                )
                advance()
        finally:
            source.float_layers = kept
    return sorted(found, key=lambda layer: -layer.error)


def _squared_error(source: Source, judge: Judge, path: Path) -> float:
    """Of the int8 file; 1, the most that alpha can differ by, if it does not even run.

    XNNPACK refuses to run a file whose scales are too far apart.
    """
    try:
        return judge.squared_error(judge.mattes(int8(source), path))
    except (ConversionError, ModelFileError):
        return 1.0


def _says(change: float) -> str:
    if math.isinf(change):
        return "does not compute the network"
    return f"changes the gradient error by {100 * change:+.1f} %"


def within(
    source: Source,
    judge: Judge,
    limit: float,
    path: Path,
    *,
    near: Callable[[MatteDifference], bool] = lambda found: True,
    progress: Progress = silent,
) -> list[LayerError]:
    """Leave layers in float, worst first, until the gradient error is within a limit.

    Those that turn out not to be needed go back to int8.
    `source.float_layers` holds the choice afterwards.

    Args:
        limit: Largest relative increase of the gradient error over the network's.
        near: Whether the mattes are near enough to the network's besides: a matte that is
            worse by |Δα| need not be by its edges.

    Returns:
        The ranking, worst first; empty if int8 is within the limits as it is.

    Raises:
        UsageError: The held-out pictures have no masks.
        ConversionError: It is not even with every layer in float.
    """
    if not judge.has_masks:
        raise UsageError(
            "`max_error_increase` needs masks, to tell the gradient error: `representative` must "
            "be a data set with train/image and train/mask."
        )

    def change() -> float:
        """Of the gradient error; infinite if the file is no candidate at all."""
        try:
            found = judge.difference(judge.mattes(int8(source), path))
        except (ConversionError, ModelFileError):
            return math.inf
        assert found.gradient_error_change is not None
        return found.gradient_error_change if near(found) else math.inf

    by_hand = tuple(source.float_layers)
    first = last = change()
    if last <= limit:
        return []
    ranking = rank(source, judge, path, progress=progress)
    graph = Graph.from_bytes(source.calibrated)
    named = {op.name: op for op in graph.ops}
    for layer in ranking:
        names = (*source.float_layers, *_with_readers(graph, named[layer.layer]))
        source.float_layers = tuple(dict.fromkeys(names))
        last = change()
        if last <= limit:
            break
    else:
        raise ConversionError(
            f"int8 {_says(first)}, and with every layer in float it {_says(last)}: "
            f"{100 * limit:g} % cannot be kept."
        )
    # Some readers need not be in float. Not every one that the limit would bear goes back:
    # what just holds on these pictures would not on others.
    bearable = NEGLIGIBLE * _squared_error(source, judge, path)
    for name in reversed(source.float_layers[len(by_hand) :]):
        enough = source.float_layers
        source.float_layers = tuple(other for other in enough if other != name)
        if not change() <= limit or _squared_error(source, judge, path) > bearable:
            source.float_layers = enough
    return ranking
