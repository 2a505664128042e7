"""What a campaign of damaged inputs found."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

from mmnet_deploy.errors import MmnetDeployError


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

    def read(self, case: str, act: Callable[[], object], longest: int = 600) -> None:
        """Count how reading one input ends: read, refused in a line, or a failure.

        Args:
            case: What tells the input from the others.
            longest: Characters of a message that is still a line.
        """
        try:
            act()
        except MmnetDeployError as error:
            if "\n" in str(error) or len(str(error)) > longest:
                self.failures.append(f"{case}: a message that is no line: {error}")
            else:
                self.endings["refused"] += 1
        except Exception as error:
            self.failures.append(f"{case}: {type(error).__name__}: {error}")
        else:
            self.endings["read"] += 1

    @property
    def cases(self) -> int:
        """Number of inputs that were tried."""
        return self.endings.total() + len(self.failures)
