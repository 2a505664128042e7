"""What `inspect` prints of two files."""

from __future__ import annotations

from typing import Any

from mmnet_deploy.cli.console import print_table, show
from mmnet_deploy.cli.present.inspection_words import macs_of, print_rows, shape_of, size_of
from mmnet_deploy.inspection.difference import FileChange, FileDifference
from mmnet_deploy.tflite.half_precision import ENTRY
from mmnet_deploy.tflite.layer_names import short_names, shortened

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
        return size_of(value)
    if change.what == "macs":
        return macs_of(value)
    if change.what.endswith("_shape"):
        return shape_of(value)
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
        parts = (kind, shape_of(shape[1:] if shape[:1] == (1,) else shape), dtype.lower())
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
        print_rows(["layer", *(short[change.what] for change in changes.layers)], cells)
