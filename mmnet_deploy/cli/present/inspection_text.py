"""What `inspect` prints, in lines of 80 characters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mmnet_deploy.cli.console import print_table, show
from mmnet_deploy.cli.present.inspection_words import (
    TIED,
    counted,
    line,
    macs_of,
    padded,
    plural,
    print_rows,
    shape_of,
    size_of,
)
from mmnet_deploy.downloads import published
from mmnet_deploy.inspection import Delegation, End, Gpu, Inspection, Refusal, grouped
from mmnet_deploy.inspection.quantization_error import QuantizationError
from mmnet_deploy.tflite.half_precision import ENTRY, allows
from mmnet_deploy.tflite.layer_names import short_names, shortened

SHOWN_PLACES = 3
"""Number of layers that a finding names; `--json` names them all."""


# --- The summary -------------------------------------------------------------


def print_summary(found: Inspection) -> None:
    """What the file is and what it costs, on one screen."""
    line("file", f"{found.file.name}, {size_of(found.file.size_bytes)}")
    _print_card(found)
    line("computes in", _arithmetic(found))
    for label, ends in (("input", found.inputs), ("output", found.outputs)):
        for end in ends:
            line(label, _end(end))
    line("parameters", f"{found.parameters:,}")
    varies = "unknown: the sizes may vary"
    line("MACs", varies if found.macs is None else macs_of(found.macs))
    short = short_names(layer.name for layer in found.layers)
    kinds = {layer.name: layer.kind for layer in found.layers}
    peak = found.peak_layer
    place = f", at {kinds[peak]} {short[peak]}" if peak in short else ""
    memory = found.peak_activation_bytes
    text = varies if memory is None else f"{size_of(memory)} of activations at most{place}"
    line("memory", text)
    line("operators", counted(found.operators) or "none")
    line("delegate", _delegation(found.delegation, sum(found.operators.values())))
    _print_refusals("  left out", found.delegation.refusals, short)
    if found.gpu is not None:
        line("gpu", _gpu(found.gpu))
        _print_refusals("  refused", found.gpu.refusals, short)
    line("metadata", _metadata(found))
    rules = ", ".join(finding.rule for finding in found.findings)
    line("findings", rules or "none")


def _print_card(found: Inspection) -> None:
    """The description, if there is one."""
    card = found.file.card
    if card is None:
        known = published.by_sha256(found.file.sha256)
        if known is not None:
            line("network", f"{known.argument}: {known.origin}, {known.licence}")
        else:
            line("network", "unknown: the file carries no description by mmnet-deploy")
        line("precision", found.precision)
        return
    name = card.title if card.width_multiplier is None else f"{card.title} {card.width_multiplier}"
    line("network", f"{name} at {card.size_label}, weights {card.weights_sha256[:12]}")
    if card.teacher:
        line("taught by", card.taught_by)
    if card.sources:
        line("made of", card.sources)
    line("precision", f"{found.precision}, {card.graph} graph")
    if card.mean_difference is not None and card.largest_difference is not None:
        text = f"|Δα| {card.mean_difference:.2g} on average, {card.largest_difference:.2g} at most"
        if card.gradient_error_change is not None:
            text += f", gradient error {100 * card.gradient_error_change:+.2f} %"
        if card.checked_pictures is not None:
            text += f", on {plural(card.checked_pictures, 'picture')}"
        line("checked", text)
    if card.half_mean_difference is not None and card.half_largest_difference is not None:
        text = (
            f"|Δα| {card.half_mean_difference:.2g} on average, {card.half_largest_difference:.2g} "
            "at most in float16, emulated"
        )
        if card.half_checked_pictures is not None:
            text += f" on {plural(card.half_checked_pictures, 'picture')}"
        line("", text)
    if card.calibration_files:
        pictures = plural(len(card.calibration_files), "picture")
        seed = "" if card.calibration_seed is None else f", seed {card.calibration_seed}"
        line("calibrated", f"on {pictures}{seed}")
    if card.float_layers:
        line("in float", f"{plural(len(card.float_layers), 'layer')}, kept on purpose")
    if card.versions:
        line("made with", ", ".join(f"{name} {v}" for name, v in sorted(card.versions.items())))


def _arithmetic(found: Inspection) -> str:
    """What CPUs compute the file in, and why not in half precision."""
    on = found.computes_in
    if on.fp16_cores != on.other_cores:
        # What the delegate leaves to the built-in kernels is computed by these as ever.
        where = " in what XNNPACK takes" if found.delegation.left_out else ""
        return (
            f"{on.fp16_cores}{where} on cores with fp16 arithmetic (ARMv8.2-A, in phones since "
            f"about 2018), {on.other_cores} on others"
        )
    text = f"{on.other_cores} on every core"
    card, entry = found.file.card, found.reduced_precision
    if card is not None and card.reduced_precision_reason and not entry:
        return f"{text}: {card.reduced_precision_reason}"
    if entry and not allows(entry):
        text += f": XNNPACK ignores the entry {ENTRY}, which says {entry!r}"
    return text


def _end(end: End) -> str:
    text = f"{shape_of(end.shape)} {end.dtype.lower()}"
    if end.scale is not None:
        text += f", scale {end.scale:.6g}, zero point {end.zero_point}"
    return f"{text}, {short_names([end.name])[end.name]}"


def _metadata(found: Inspection) -> str:
    """What the file tells apps of itself, in one sentence."""
    said = found.metadata
    if said is None:
        if any(finding.rule == "app_metadata" for finding in found.findings):
            return "cannot be read"
        is_float = any(end.dtype == "FLOAT32" for end in found.inputs)
        return "none" + ", which MediaPipe Tasks needs for a float input" * is_float
    parts = [said.name or "no name"]
    parts += [f"version {said.version}"] * bool(said.version)
    parts += [f"author {said.author}"] * bool(said.author)
    parts.append(f"licence {said.license or 'not said'}")
    picture = said.inputs[0] if said.inputs else None
    if picture is None or not picture.mean:
        parts.append("no normalisation")
    else:
        mean, std = _number_of(picture.mean), _number_of(picture.std)
        parts.append(f"normalisation (byte{TIED}−{TIED}{mean}){TIED}/{TIED}{std}")
    return ", ".join(parts)


def _number_of(values: Sequence[float]) -> str:
    """One number, or one for each colour."""
    numbers = [f"{value:g}" for value in values]
    return numbers[0] if len(set(numbers)) == 1 else f"[{', '.join(numbers)}]"


def _delegation(found: Delegation, total: int) -> str:
    if found.problem is not None:
        return f"unknown: {found.engine} cannot run the file as it is"
    taken = sum(found.partitions)
    how = "fully delegated" if found.is_whole else "not fully delegated"
    text = f"{how}: XNNPACK takes {'all' if taken == total else f'{taken} of'} {total} operators"
    if found.partitions:
        text += f" in {plural(len(found.partitions), 'partition')}"
    left = f", leaves {counted(found.left_out)}" if found.left_out else ""
    return f"{text}{left} ({found.engine})"


def _print_refusals(label: str, refusals: Sequence[Refusal], short: Mapping[str, str]) -> None:
    """Operators that a delegate does not take: which, where, why and what to do."""
    for (kind, dtype, why, fix), layers in grouped(refusals).items():
        places = [shortened(short.get(layer, layer), 40) for layer in layers]
        more = len(places) - SHOWN_PLACES
        where = ", ".join(places[:SHOWN_PLACES]) + (f" and {more} more" if more > 0 else "")
        line(label, f"{len(layers)}{TIED}{kind} in {dtype}, at {where}: {why}. What to do: {fix}.")


def _gpu(found: Gpu) -> str:
    """What a GPU delegate would take, in one sentence."""
    taken = f"{found.total - len(found.refusals)} of" if found.refusals else "all"
    rules = "by its rules"
    if found.analyzer_knows_rules:
        rules += f" and those of {found.analyzer}'s analyzer"
    elif found.analyzer:
        rules += f" ({found.analyzer}'s analyzer calls every operator compatible: not asked)"
    return f"TFLite's GPU delegate would take {taken} {found.total} operators, {rules}"


def print_findings(found: Inspection) -> None:
    """Every finding: what, where, why it costs, what to do."""
    names = [layer.name for layer in found.layers]
    names += [end.name for end in (*found.inputs, *found.outputs)]
    short = short_names(dict.fromkeys(names))
    for finding in found.findings:
        show()
        line(f"{finding.rule}: ", finding.what, 2)
        if finding.where:
            places = dict.fromkeys(short.get(place, place) for place in finding.where)
            shown = [shortened(place, 40) for place in list(places)[:SHOWN_PLACES]]
            more = len(places) - len(shown)
            line("  where", ", ".join(shown) + (f" and {more} more" if more else ""))
        line("  why", finding.why)
        line("  what to do", finding.fix)


# --- Layers ------------------------------------------------------------------


def print_layers(found: Inspection) -> None:
    """One row per operator, in the order of execution."""
    short = short_names(layer.name for layer in found.layers)
    known = found.delegation.problem is None
    rows = [("operator", "output", "params", "MACs(M)", "KiB")]
    for layer in found.layers:
        rows.append(
            (
                shortened(layer.kind, 17),
                shape_of(layer.shape[1:] if layer.shape[:1] == (1,) else layer.shape),
                f"{layer.parameters:,}" if layer.parameters else "",
                f"{layer.macs / 1e6:.2f}" if layer.macs else "",
                f"{layer.activation_bytes / 1024:.0f}",
            )
        )
    marks = ["*" if known and layer.partition is None else "" for layer in found.layers]
    names = [short[layer.name] for layer in found.layers]
    show()
    print_rows(["layer", *names], padded(rows, 1), ["", *marks])
    if known and found.delegation.left_out:
        show("* left to the built-in kernels")


def print_error(error: QuantizationError, most: int | None) -> None:
    """The layers by their signal-to-noise ratio, worst first."""
    layers = error.layers[:most]
    short = short_names(layer.layer for layer in error.layers)
    rows = [("layer", "operator", "SNR (dB)")]
    for layer in layers:
        number = f"{layer.decibels:.1f}" if math.isfinite(layer.decibels) else "–"
        exact = "exact" if layer.noise == 0 else number
        rows.append((shortened(short[layer.layer], 40), layer.kind, exact))
    which = plural(len(error.layers), "layer")
    if len(layers) < len(error.layers):
        which = f"the {len(layers)} worst of {which}"
    show()
    show(f"Signal to noise against float32 on {plural(error.pictures, 'picture')}, {which}:")
    header, *body = padded(rows, 2)
    print_table(header, body, numbers=False)
