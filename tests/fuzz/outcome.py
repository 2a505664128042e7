"""What a campaign of damaged inputs found."""

from __future__ import annotations

import dataclasses
from collections import Counter


@dataclasses.dataclass
class Outcome:
    """Counts of one campaign.

    Attributes:
        endings: How often each permitted ending came, such as "read" and "refused".
        failures: The seed of each input that ended in another way, and how.
        notes: What else is worth a few words in the row, such as the longest time.
    """

    endings: Counter[str] = dataclasses.field(default_factory=Counter)
    failures: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def cases(self) -> int:
        """Number of inputs that were tried."""
        return self.endings.total() + len(self.failures)
