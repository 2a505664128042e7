"""What `inspect` prints, in lines of 80 characters."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from mmnet_deploy.cli.console import print_table, show
from mmnet_deploy.cli.escaping import escaped
from mmnet_deploy.downloads import published
from mmnet_deploy.inspection import Delegation, End, Inspection
from mmnet_deploy.inspection.difference import FileChange, FileDifference
from mmnet_deploy.inspection.quantization_error import QuantizationError
from mmnet_deploy.tflite.half_precision import ENTRY, allows
from mmnet_deploy.tflite.layer_names import short_names, shortened

WIDTH = 80
LABEL = 13
TIED = "\u00a0"
"""A space at which no line is broken."""

SHOWN_PLACES = 3
"""Number of layers that a finding names; `--json` names them all."""


def _line(label: str, text: str, indent: int = LABEL) -> None:
    """A line, wrapped under its own beginning; a number stays with its noun."""
    filled = textwrap.wrap(
        escaped(text),
        WIDTH,
        initial_indent=label.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    for line in filled:
        show(line.replace(TIED, " "))


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    """Bytes in B, KiB or MiB."""
    if number < 1024:
        return f"{number} B"
    return f"{number / 1024:.1f} KiB" if number < 2**20 else f"{number / 2**20:.2f} MiB"


def _macs(number: int) -> str:
    return f"{number / 1e6:,.1f} M" if number >= 100_000 else f"{number:,}"


def _shape(shape: Sequence[int]) -> str:
    return "×".join("?" if size == -1 else str(size) for size in shape) or "scalar"


def _counted(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{number}{TIED}{kind}" for kind, number in kinds.items())


# --- The summary -------------------------------------------------------------


def print_summary(found: Inspection) -> None:
    """What the file is and what it costs, on one screen."""
    _line("file", f"{found.file.name}, {_size(found.file.size_bytes)}")
    _print_card(found)
    _line("computes in", _arithmetic(found))
    for label, ends in (("input", found.inputs), ("output", found.outputs)):
        for end in ends:
            _line(label, _end(end))
    _line("parameters", f"{found.parameters:,}")
    varies = "unknown: the sizes may vary"
    _line("MACs", varies if found.macs is None else _macs(found.macs))
    short = short_names(layer.name for layer in found.layers)
    kinds = {layer.name: layer.kind for layer in found.layers}
    peak = found.peak_layer
    place = f", at {kinds[peak]} {short[peak]}" if peak in short else ""
    memory = found.peak_activation_bytes
    text = varies if memory is None else f"{_size(memory)} of activations at most{place}"
    _line("memory", text)
    _line("operators", _counted(found.operators) or "none")
    _line("delegate", _delegation(found.delegation, sum(found.operators.values())))
    _line("metadata", _metadata(found))
    rules = ", ".join(finding.rule for finding in found.findings)
    _line("findings", rules or "none")


def _print_card(found: Inspection) -> None:
    """The description, if there is one."""
    card = found.file.card
    if card is None:
        known = published.by_sha256(found.file.sha256)
        if known is not None:
            _line("network", f"{known.argument}: {known.origin}, {known.licence}")
        else:
            _line("network", "unknown: the file carries no description by mmnet-deploy")
        _line("precision", found.precision)
        return
    name = card.title if card.width_multiplier is None else f"{card.title} {card.width_multiplier}"
    _line("network", f"{name} at {card.size_label}, weights {card.weights_sha256[:12]}")
    if card.teacher:
        _line("taught by", card.taught_by)
    _line("precision", f"{found.precision}, {card.graph} graph")
    if card.mean_difference is not None and card.largest_difference is not None:
        text = f"|Δα| {card.mean_difference:.2g} on average, {card.largest_difference:.2g} at most"
        if card.gradient_error_change is not None:
            text += f", gradient error {100 * card.gradient_error_change:+.2f} %"
        if card.checked_pictures is not None:
            text += f", on {_plural(card.checked_pictures, 'picture')}"
        _line("checked", text)
    if card.half_mean_difference is not None and card.half_largest_difference is not None:
        text = (
            f"|Δα| {card.half_mean_difference:.2g} on average, {card.half_largest_difference:.2g} "
            "at most in float16, emulated"
        )
        if card.half_checked_pictures is not None:
            text += f" on {_plural(card.half_checked_pictures, 'picture')}"
        _line("", text)
    if card.calibration_files:
        pictures = _plural(len(card.calibration_files), "picture")
        seed = "" if card.calibration_seed is None else f", seed {card.calibration_seed}"
        _line("calibrated", f"on {pictures}{seed}")
    if card.float_layers:
        _line("in float", f"{_plural(len(card.float_layers), 'layer')}, kept on purpose")
    if card.versions:
        _line("made with", ", ".join(f"{name} {v}" for name, v in sorted(card.versions.items())))


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
    text = f"{_shape(end.shape)} {end.dtype.lower()}"
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
    text = f"XNNPACK takes {'all' if taken == total else f'{taken} of'} {total} operators"
    if found.partitions:
        text += f" in {_plural(len(found.partitions), 'partition')}"
    left = f", leaves {_counted(found.left_out)}" if found.left_out else ""
    return f"{text}{left} ({found.engine})"


def print_findings(found: Inspection) -> None:
    """Every finding: what, where, why it costs, what to do."""
    names = [layer.name for layer in found.layers]
    names += [end.name for end in (*found.inputs, *found.outputs)]
    short = short_names(dict.fromkeys(names))
    for finding in found.findings:
        show()
        _line(f"{finding.rule}: ", finding.what, 2)
        if finding.where:
            places = dict.fromkeys(short.get(place, place) for place in finding.where)
            shown = [shortened(place, 40) for place in list(places)[:SHOWN_PLACES]]
            more = len(places) - len(shown)
            _line("  where", ", ".join(shown) + (f" and {more} more" if more else ""))
        _line("  why", finding.why)
        _line("  what to do", finding.fix)


# --- Layers ------------------------------------------------------------------


def _padded(rows: Sequence[Sequence[str]], left: int) -> list[tuple[str, ...]]:
    """Rows whose columns from number `left` on are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        tuple(
            cell if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _print_rows(
    names: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str] | None = None
) -> None:
    """A table whose first column takes the room that the others leave; the header comes first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = max(WIDTH - sum(width + 2 for width in widths) - 2, 16)
    header, *body = [
        (shortened(name, room - len(mark)) + mark, *row)
        for name, row, mark in zip(names, rows, marks or [""] * len(names), strict=True)
    ]
    print_table(header, body, numbers=False)


def print_layers(found: Inspection) -> None:
    """One row per operator, in the order of execution."""
    short = short_names(layer.name for layer in found.layers)
    known = found.delegation.problem is None
    rows = [("operator", "output", "params", "MACs(M)", "KiB")]
    for layer in found.layers:
        rows.append(
            (
                shortened(layer.kind, 17),
                _shape(layer.shape[1:] if layer.shape[:1] == (1,) else layer.shape),
                f"{layer.parameters:,}" if layer.parameters else "",
                f"{layer.macs / 1e6:.2f}" if layer.macs else "",
                f"{layer.activation_bytes / 1024:.0f}",
            )
        )
    marks = ["*" if known and layer.partition is None else "" for layer in found.layers]
    names = [short[layer.name] for layer in found.layers]
    show()
    _print_rows(["layer", *names], _padded(rows, 1), ["", *marks])
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
    which = _plural(len(error.layers), "layer")
    if len(layers) < len(error.layers):
        which = f"the {len(layers)} worst of {which}"
    show()
    show(f"Signal to noise against float32 on {_plural(error.pictures, 'picture')}, {which}:")
    header, *body = _padded(rows, 2)
    print_table(header, body, numbers=False)


# --- Two files ---------------------------------------------------------------

_LABELS = {
    "size_bytes": "size",
    "macs": "MACs",
    "reduced_precision": f"entry {ENTRY}",
    "arithmetic_on_fp16_cores": "computes in, with fp16",
    "arithmetic_on_other_cores": "computes in, without fp16",
    "peak_activation_bytes": "activation memory",
}


def _label(fact: str) -> str:
    return _LABELS.get(fact, fact.replace("_", " ").replace(" 0 ", " "))


def _value(change: FileChange, value: Any) -> str:
    if value is None:
        return "–"
    if change.what.endswith("_bytes"):
        return _size(value)
    if change.what == "macs":
        return _macs(value)
    if change.what.endswith("_shape"):
        return _shape(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        plain = [str(item) for item in value if not isinstance(item, dict)]
        short = len(value) <= 4 and len(plain) == len(value)
        return (", ".join(plain) or "none") if short else f"{len(value)} entries"
    return str(value)


def _layer_row(change: FileChange) -> tuple[str, str, str]:
    """Operator, and on each side the shape and type that differ; both if one file lacks it."""
    sides = [side for side in (change.before, change.after) if side is not None]
    same_kind = sides[0][0] == sides[-1][0]
    shown = []
    for side, other in ((change.before, sides[-1]), (change.after, sides[0])):
        if side is None:
            shown.append("–")
            continue
        kind, shape, dtype = side
        parts = (kind, _shape(shape[1:] if shape[:1] == (1,) else shape), dtype.lower())
        kept = [len(sides) == 1 or own != its for own, its in zip(side, other, strict=True)]
        kept[0] = not same_kind
        shown.append(" ".join(part for part, keep in zip(parts, kept, strict=True) if keep))
    return sides[0][0] if same_kind else "", shown[0], shown[1]


def print_difference(names: tuple[str, str], changes: FileDifference, *, layers: bool) -> None:
    """What differs, with a column for each file."""
    header = tuple(shortened(name, 26) for name in names)
    for title, rows in (
        ("Facts", changes.facts),
        ("Operators", changes.operators),
        ("Description", changes.card),
    ):
        if rows:
            body = [
                (
                    change.what if rows is changes.operators else _label(change.what),
                    _value(change, change.before),
                    _value(change, change.after),
                )
                for change in rows
            ]
            print_table((title, *header), body, numbers=title != "Description")
    if not changes.layers:
        same = not (changes.facts or changes.operators or changes.card)
        show("Only the weights can differ." if same else "The layers are the same.")
        return
    gone = sum(change.after is None for change in changes.layers)
    new = sum(change.before is None for change in changes.layers)
    show(
        f"Layers: {gone} gone, {new} new, {len(changes.layers) - gone - new} of another kind, "
        "shape or type."
    )
    if layers:
        short = short_names(change.what for change in changes.layers)
        narrow = tuple(shortened(name, 18) for name in names)
        cells = [("operator", *narrow), *(_layer_row(change) for change in changes.layers)]
        _print_rows(["layer", *(short[change.what] for change in changes.layers)], cells)
