"""Executed instructions by class."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class InstructionCounts:
    """Numbers of executed arm64 instructions by class; a vector instruction is one.

    Attributes:
        fma: Floating-point multiply-adds.
        simd: Other computing on vector and floating-point registers.
        load_store: Loads and stores of all registers.
        branch: Branches, calls and returns.
        integer: Computing on general registers.
        other: System instructions.
    """

    fma: int
    simd: int
    load_store: int
    branch: int
    integer: int
    other: int

    @property
    def total(self) -> int:
        """All instructions."""
        return sum(dataclasses.astuple(self))

    def __sub__(self, earlier: InstructionCounts) -> InstructionCounts:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(earlier), strict=True)
        return InstructionCounts(*(later - before for later, before in pairs))


CLASSES = tuple(field.name for field in dataclasses.fields(InstructionCounts))
