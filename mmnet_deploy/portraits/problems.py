"""What is wrong with the files of a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.errors import DataError


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set, and the file that it concerns.

    Attributes:
        rule: The rule that the file breaks, as a sentence that begins behind its path.
    """

    path: Path
    rule: str

    def __str__(self) -> str:
        line = f"{self.path}: {self.rule}"
        # A file name may hold line breaks, and bytes that are no text.
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


class PictureError(DataError):
    """A picture or a mask cannot be used; `problem` says which and why."""

    def __init__(self, path: Path, rule: str) -> None:
        self.problem = Problem(path, rule)
        super().__init__(str(self.problem))


def raise_first(problems: Sequence[Problem], root: Path) -> None:
    """Raise a `DataError` that names the first of the problems, if there are any.

    Args:
        root: The data set.
    """
    if problems:
        raise DataError(
            f"{problems[0]} ({len(problems)} problem{'s' * (len(problems) > 1)} in this data set; "
            f"list all: mmnet-deploy dataset check {root})"
        )
