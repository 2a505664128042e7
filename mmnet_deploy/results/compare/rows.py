"""The rows of a comparison: one quantity of one model before and after, with its verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mmnet_deploy.results import change
from mmnet_deploy.results.change import Change
from mmnet_deploy.tflite.card import ModelFile

SAME, WORSE, NOT_COMPARABLE = "same", "worse", "not comparable"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A quantity that is compared.

    Attributes:
        title: Its name in a table, with the unit.
        limit: The name of its threshold; empty if there is none.
        least: Changes below this share do not count.
    """

    name: str
    title: str
    limit: str = ""
    least: float = 0.0
    lower_is_better: bool = True


QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity("latency_ms", "latency (ms)", "latency", change.LEAST_LATENCY),
        Quantity("gradient_error", "gradient error", "error", change.LEAST_ERROR),
        Quantity("mad", "MAD", "", change.LEAST_ERROR),
        Quantity("mean_iou", "mean IoU", "", change.LEAST_ERROR, lower_is_better=False),
        Quantity("size_bytes", "size (bytes)", "size", 0.0001),
        # Pages, thread stacks and the allocator move it from run to run.
        Quantity("peak_memory_bytes", "peak memory (bytes)", "", 0.05),
        Quantity("instructions", "instructions", "cost", 0.0001),
    )
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One quantity of one model, before and after.

    Attributes:
        setting: Device, engine and threads, or data and size; empty for what needs none.
        baseline, new: None where that side has none.
        verdict: `better`, `same`, `worse` or `not comparable`.
        reason: Why it is not comparable.
        exceeded: The limit that it breaks, as a share; None if it breaks none.
    """

    model: str
    quantity: str
    setting: str
    baseline: float | None
    new: float | None
    change: Change | None
    verdict: str
    reason: str = ""
    exceeded: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All rows, sorted by quantity and model."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    limits: Mapping[str, float]

    @property
    def exceeded(self) -> tuple[Row, ...]:
        """The rows that break a limit."""
        return tuple(row for row in self.rows if row.exceeded is not None)

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Limits that not a single row could be held to."""
        checked = {QUANTITIES[r.quantity].limit for r in self.rows if r.verdict != NOT_COMPARABLE}
        return tuple(limit for limit in self.limits if limit not in checked)


def exact_row(
    model: ModelFile, quantity: str, setting: str, values: list[float | None], reason: str
) -> Row:
    """A row of numbers that are exact, or of which one each is known."""
    before, after = values
    found = None
    if not reason and before is not None and after is not None:
        try:
            found = change.of_exact(before, after)
        except ValueError as error:
            reason = f"{error}"
    return row(model, quantity, setting, values, found, reason)


def row(
    model: ModelFile,
    quantity: str,
    setting: str,
    values: list[float | None],
    found: Change | None,
    reason: str,
) -> Row:
    kind = QUANTITIES[quantity]
    verdict = NOT_COMPARABLE
    if found is not None:
        verdict = found.verdict(kind.least, kind.lower_is_better)
    before, after = values
    return Row(model.name, quantity, setting, before, after, found, verdict, reason)
