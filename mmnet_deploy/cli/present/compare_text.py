"""A comparison as text, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence

from mmnet_deploy.cli.console import print_table, say
from mmnet_deploy.results.change import CONFIDENCE, Change
from mmnet_deploy.results.compare import NOT_COMPARABLE, QUANTITIES, SAME, Comparison, Row

_FORMATS: dict[str, Callable[[float], str]] = {
    "latency_ms": lambda value: f"{value:.3g}" if value < 100 else f"{value:.0f}",
    "gradient_error": lambda value: f"{1000 * value:.3f}e-3",
    "size_bytes": lambda value: f"{value:,.0f}",
    "peak_memory_bytes": lambda value: f"{value:,.0f}",
    "instructions": lambda value: f"{value:,.0f}",
}
HEADER = ("quantity", "model", "on", "baseline", "new", "change", "verdict")


def _value(row: Row, value: float | None) -> str:
    if value is None:
        return "–"
    return _FORMATS.get(row.quantity, lambda number: f"{number:.4f}")(value)


def _percent(share: float) -> str:
    """With a sign; `±0` for what rounds to nothing."""
    text = f"{100 * share:+.1f}"
    return "±0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _change(change: Change | None) -> str:
    if change is None:
        return "–"
    text = f"{_percent(change.relative)} %"
    if change.low is None or change.high is None or change.low == change.high:
        return text
    return f"{text} ({_percent(change.low)}…{_percent(change.high)})"


def _verdict(row: Row) -> str:
    if row.exceeded is not None:
        return f"worse, by more than {100 * row.exceeded:g} %"
    return f"{row.verdict}: {row.reason}" if row.reason else row.verdict


def _cells(row: Row) -> tuple[str, ...]:
    return (
        QUANTITIES[row.quantity].title,
        row.model,
        row.setting,
        _value(row, row.baseline),
        _value(row, row.new),
        _change(row.change),
        _verdict(row),
    )


def summary(comparison: Comparison) -> str:
    """How many rows have each verdict, and how many exceed a limit."""
    counts = Counter(row.verdict for row in comparison.rows)
    parts = [f"{counts[v]} {v}" for v in ("worse", "better", SAME, NOT_COMPARABLE) if counts[v]]
    broken = len(comparison.exceeded)
    if comparison.limits:
        parts.append(f"{broken} above a limit" if broken else "no limit exceeded")
    return ", ".join(parts)


def print_text(comparison: Comparison) -> None:
    """A table on standard output, and a summary on standard error."""
    print_table(HEADER, [_cells(row) for row in comparison.rows], numbers=False)
    for note in comparison.notes:
        say(note)
    say(f"{summary(comparison)}. Intervals are {100 * CONFIDENCE:g} % confidence intervals.")


def to_json(comparison: Comparison) -> str:
    """All rows with plain numbers; shares are fractions, not percentages."""
    content = {
        "schema_version": 1,
        "confidence": CONFIDENCE,
        "limits": comparison.limits,
        "exceeded": len(comparison.exceeded),
        "unchecked": comparison.unchecked,
        "notes": comparison.notes,
        "rows": [dataclasses.asdict(row) for row in comparison.rows],
    }
    return json.dumps(content, indent=1)


# --- Markdown ----------------------------------------------------------------


def _escaped(text: str) -> str:
    """Text that no Markdown or HTML in a name can change the page with."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # `@` would notify people, and `#` link to issues.
    return re.sub(r"([\\`*_\[\]#|~@])", lambda found: f"&#{ord(found[0])};", text)


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [f"| {' | '.join(HEADER)} |", "|---|---|---|--:|--:|--:|---|"]
    lines += [f"| {' | '.join(map(_escaped, _cells(row)))} |" for row in rows]
    return lines


def to_markdown(comparison: Comparison) -> str:
    """The comparison for a pull request: what changed in a table, the rest folded away."""
    broken: list[Row] = []
    changed: list[Row] = []
    rest: list[Row] = []
    for row in comparison.rows:
        if row.exceeded is not None:
            broken.append(row)
        else:
            (rest if row.verdict in (SAME, NOT_COMPARABLE) else changed).append(row)
    title = "no regression"
    if broken:
        title = f"{len(broken)} regression{'s' * (len(broken) > 1)}"
    elif comparison.unchecked:
        title = "not checked"
    elif not comparison.limits:
        title = summary(comparison)
    lines = [f"### mmnet-deploy compare: {title}", ""]
    for limit in comparison.unchecked:
        lines += [f"No {limit} could be compared, so its limit was not checked.", ""]
    if broken or changed:
        lines += [*_table([*broken, *changed]), ""]
    if rest:
        lines += [
            f"<details><summary>{len(rest)} without a change, or not comparable</summary>",
            "",
            *_table(rest),
            "",
            "</details>",
            "",
        ]
    lines += [f"{_escaped(note)}  " for note in comparison.notes]
    lines.append(
        f"{summary(comparison)}. Intervals are {100 * CONFIDENCE:g} % confidence intervals."
    )
    return "\n".join(lines) + "\n"
