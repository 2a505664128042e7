"""What this package raises.

    BenchmarkModelError
    ├── ArgumentError            a value that no binary could use (also a ValueError)
    ├── UnknownToolError         the help text is not that of a tool that can be driven
    └── UnsupportedError         this binary cannot do what is asked
        ├── UnsupportedFlagError
        └── UnsupportedDelegateError

Reading output raises none of them: what a text does not say is None, and what is wrong with it
stands in the report.
"""

from __future__ import annotations


class BenchmarkModelError(Exception):
    """The engine `benchmark_model` cannot be used as asked."""


class ArgumentError(BenchmarkModelError, ValueError):
    """A value that no binary could use."""


class UnknownToolError(BenchmarkModelError):
    """The help text is not that of a tool that can be driven."""


class UnsupportedError(BenchmarkModelError):
    """This binary cannot do what is asked."""


class UnsupportedFlagError(UnsupportedError):
    """The binary's help does not list a flag that is needed.

    Attributes:
        flag: Its name, without dashes.
    """

    def __init__(self, flag: str, message: str) -> None:
        super().__init__(message)
        self.flag = flag


class UnsupportedDelegateError(UnsupportedError):
    """The tool has no flag at all for a delegate."""
