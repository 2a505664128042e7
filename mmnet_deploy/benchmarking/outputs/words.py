"""Differences of outputs, and what searches for a faulty layer found, in words."""

from __future__ import annotations

from collections.abc import Iterable

from mmnet_deploy.benchmarking.outputs.culprit import Finding
from mmnet_deploy.benchmarking.outputs.differences import FAR, Difference
from mmnet_deploy.benchmarking.outputs.layers import Layer
from mmnet_deploy.results.records import OutputDifference


def how_far(difference: OutputDifference | Difference) -> str:
    """The largest and the mean difference, and what is allowed, for people."""
    if difference.largest >= FAR:
        return "some beyond measure: they are no numbers, or of another type or size"
    unit = "" if difference.dtype.startswith("float") else " quantization steps"
    mean = "" if difference.mean is None else f", {difference.mean:.3g} in the mean"
    return f"by up to {difference.largest:.3g}{unit}{mean}{_allowed(difference)}"


def _allowed(difference: OutputDifference | Difference) -> str:
    if isinstance(difference, Difference):
        largest, mean = difference.allowed.largest, difference.allowed.mean
    elif difference.allowed is None or difference.allowed_mean is None:
        return ""
    else:
        largest, mean = difference.allowed, difference.allowed_mean
    return f"; allowed: {largest:.3g}" + (f", {mean:.3g} in the mean" if mean < largest else "")


def culprit_lines(searches: Iterable[tuple[str, Finding | str]]) -> list[str]:
    """One line for each search; those that found nothing for one reason share a line.

    Args:
        searches: What was searched, and what was found, or why there was no search.
    """
    lines, nothing = [], dict[str, list[str]]()
    for name, result in searches:
        if isinstance(result, Finding) and result.layer:
            lines.append(f"{name}: {_found(result, result.layer)}")
        else:
            nothing.setdefault(_nothing(result), []).append(name)
    for what, names in nothing.items():
        subject = names[0] if len(names) == 1 else f"{len(names)} results"
        lines.append(f"{subject}: {what}")
    return lines


def _layer(layer: Layer) -> str:
    name = layer.name if len(layer.name) <= 60 else f"{layer.name[:59]}…"
    return f"{layer.number} {layer.kind} ({name})"


def _found(finding: Finding, layer: Layer) -> str:
    """The culprit, how far it is off, what is right before it, and how that was found."""
    if finding.difference is None:
        said = f"the first layer that the engine fails on is {_layer(layer)}: {finding.failure}"
        before = "runs" if len(finding.inputs) < 2 else "run"
    else:
        found = finding.difference
        said = (
            f"the first layer whose output is off is {_layer(layer)}: {found.different} of "
            f"{found.elements} values differ, {how_far(found)}."
        )
        before = "is right" if len(finding.inputs) < 2 else "are right"
    inputs = " and ".join(map(_layer, finding.inputs))
    whose = f"What it reads, {inputs}, {before}" if inputs else "It reads the model's input"
    built = (
        f", but uses up {100 * finding.strained:.0f} % of what is allowed: the error builds up "
        "over several layers"
        if finding.strained > 0.5
        else ""
    )
    return f"{said} {whose}{built}. Found in {finding.runs} runs."


def _nothing(result: Finding | str) -> str:
    """Why there is no culprit."""
    if isinstance(result, str):
        return f"no search for a culprit: {result}."
    if not result.conclusive:
        return (
            "no culprit was found, and none could be: every layer gives the same value everywhere, "
            "whatever it computes."
        )
    if result.runs:
        runs = f"{result.runs} run{'s' * (result.runs != 1)}"
        return f"no culprit: cut after its last layers, it computes what it should ({runs})."
    return "the output agrees with this computer's, so there is no culprit to find."
