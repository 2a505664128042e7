"""What `convert` prints of the files that it made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmnet_deploy.cli.console import print_table, say
from mmnet_deploy.conversion.acceptance import NOTABLE_INCREASE

if TYPE_CHECKING:
    from mmnet_deploy.conversion import Converted
    from mmnet_deploy.tflite.card import ModelCard

SHOWN_LAYERS = 12
"""Rows of the ranking that are printed; the file's description holds all of them."""


def print_ranking(card: ModelCard) -> None:
    """What quantizing each layer costs, and which layers stayed in float."""
    if not card.layer_errors:
        return
    kept = set(card.float_layers)
    rows = [
        (
            layer.layer.split(";")[0],
            layer.kind,
            f"{1e6 * layer.error:+.2f}",
            "float" if layer.layer in kept else "int8",
        )
        for layer in card.layer_errors[: max(SHOWN_LAYERS, len(kept))]
    ]
    title = f"Cost of quantizing a layer ({len(rows)} of {len(card.layer_errors)}, worst first)"
    print_table(("layer", "operator", "MSE (×10⁻⁶)", "kept in"), rows, title=title)


def print_differences(results: Sequence[Converted]) -> None:
    """One row per file: how far its mattes are from the network's."""
    rows = []
    for result in results:
        card = result.card
        change = card.gradient_error_change
        absent = "no masks" if result.proved else "—"
        rows.append(
            (
                result.path.name,
                f"{result.path.stat().st_size / 1024:.0f}",
                f"{card.mean_difference:.2g}" if result.proved else "nothing proved",
                f"{card.largest_difference:.2g}" if result.proved else "—",
                _percent(change, absent),
            )
        )
        half = result.half.found if result.half else None
        if half is not None and math.isfinite(half.largest):
            cost = _percent(half.gradient_error_change, "no masks")
            rows.append(
                ("  in half precision", "", f"{half.mean:.2g}", f"{half.largest:.2g}", cost)
            )
    count = results[0].checked
    what = "held-out picture" if all(result.held_out for result in results) else "picture"
    print_table(
        ("file", "KiB", ("mean", "|Δα|"), ("largest", "|Δα|"), ("gradient", "error")),
        rows,
        title=f"Compared with the network on {count} {what}{'s' if count > 1 else ''}",
    )
    _say_of_comparison(results)
    _say_of_half_precision(results)
    blind = [result.path.name for result in results if not result.proved]
    if blind:
        say(
            f"Nothing is proved of {', '.join(blind)}: the network's own mattes of the held-out "
            "pictures hardly differ, so that a file which ignores its picture would pass too. "
            "Give portraits (--representative), see that --input-range and --output are right, or "
            "train the network."
        )
    say(f"The files are in {results[0].path.parent}.")


def _percent(change: float | None, absent: str) -> str:
    """A relative change, without the sign of a zero."""
    return absent if change is None else f"{round(100 * change, 2) + 0.0:+.2f} %"


def _say_of_half_precision(results: Sequence[Converted]) -> None:
    """What the files compute in, where it depends on the core, and why others do not."""
    reduced = [result for result in results if result.card.reduced_precision]
    if reduced:
        fewer = {result.card.half_checked_pictures for result in reduced} - {results[0].checked}
        some = f", on the first {max(filter(None, fewer))} pictures" if any(fewer) else ""
        say(
            f"{_listed(reduced)} in float16 on cores with fp16 arithmetic (ARMv8.2-A, in phones "
            f"since about 2018), as emulated here{some}, and in float32 on other cores."
        )
    for result in results:
        reason = result.card.reduced_precision_reason
        if reason:
            say(f"{result.path.name} computes in float32 on every core: {reason}.")


def _listed(results: Sequence[Converted]) -> str:
    """`a.tflite computes`, or `a.tflite and b.tflite compute`."""
    names = [result.path.name for result in results]
    return f"{' and '.join(names)} compute{'s' if len(names) == 1 else ''}"


def _say_of_comparison(results: Sequence[Converted]) -> None:
    """What the table cannot say of the pictures and of the network."""
    first = results[0]
    judged = [result.path.name for result in results if not result.held_out]
    if judged:
        say(
            f"No picture is held out: {', '.join(judged)} was calibrated on what judges it, since "
            "there are no other pictures. Give at least two different ones (--representative)."
        )
    if first.rounding is not None:
        say(
            f"The network computes in {' and '.join(first.computed_in)}, and the files are made "
            "in float32 with the same weights: |Δα| includes what that changes, "
            f"{first.rounding.mean:.2g} on average and {first.rounding.largest:.2g} at most."
        )


_ROUNDED_LESS = " Weights in 16 bits stay nearer: --precision float16."
_WAYS = {
    "int8": f" --max-error-increase {100 * NOTABLE_INCREASE:g}% leaves the layers that cost most "
    "in float, --float-layers '>={half}' those at half of the resolution and more, which decide "
    "the edges; more --calibration-samples of portraits like yours may also help.",
    "int8-weights": _ROUNDED_LESS,
    "dynamic": _ROUNDED_LESS,
}
"""What helps against a gradient error that grows, by precision; `half` of the network's rows."""


def advise(results: Sequence[Converted]) -> None:
    """Say which files lose too much accuracy, and what would help."""
    for result in results:
        change = result.card.gradient_error_change
        if change is not None and change > NOTABLE_INCREASE:
            way = _WAYS.get(result.card.precision, "").format(half=result.card.height_px // 2)
            say(
                f"The gradient error of {result.path.name} is {100 * change:.1f} % above the "
                f"network's.{way}"
            )
