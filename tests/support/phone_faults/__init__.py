"""Everything that can go wrong between `bench` and a phone, as scenarios.

Each has a real adb server, an emulated phone, and two models. The tests check what the user
sees and what was kept; `tools/fault_table.py` prints the same as the table in docs/guide/bench.md.
"""

from tests.support.phone_faults import (
    accelerators,
    before,
    cable,
    engine,
    refusals,
    restoring,
    stage,
    surroundings,
)
from tests.support.phone_faults.stage import GOOD, HELP, Scenario, left_changed, seen, staged

__all__ = ["GOOD", "HELP", "SCENARIOS", "left_changed", "seen", "staged"]

_KINDS = (before, cable, refusals, engine, accelerators, surroundings, restoring)

SCENARIOS: dict[str, Scenario] = {
    name: filed
    for kind in _KINDS
    for name, filed in stage.FILED.items()
    if filed.prepare.__module__ == kind.__name__
}
"""By the names of the functions that bring the faults about, kind by kind."""
