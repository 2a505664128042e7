"""What a command line of the emulated shell is made of."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Part:
    """A piece of a word: text as it is, a variable's name, or a command to substitute."""

    kind: Literal["text", "variable", "command"]
    text: str
    quoted: bool


Word = tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class Redirection:
    """Where file descriptor `number` goes: to `target`, a file or a descriptor."""

    number: int
    operator: str
    target: Word


@dataclasses.dataclass(frozen=True)
class Simple:
    """Assignments, a command's words, and redirections."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]


@dataclasses.dataclass(frozen=True)
class Group:
    """`{ …; }`, or `( … )` whose changes of folder and variables are its own."""

    body: Script
    subshell: bool


@dataclasses.dataclass(frozen=True)
class If:
    """`if CONDITION; then BODY; else OTHERWISE; fi`; `elif` nests in `otherwise`."""

    condition: Script
    body: Script
    otherwise: Script


@dataclasses.dataclass(frozen=True)
class Redirected:
    """A group or condition with redirections behind it."""

    command: Command
    redirections: tuple[Redirection, ...]


Command = Simple | Group | If | Redirected


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """Commands joined by `|`; `negated` by a leading `!`."""

    commands: tuple[Command, ...]
    negated: bool


Script = tuple[tuple[str, Pipeline], ...]
"""Pipelines in order, each with what joins it to the one before: `;`, `&&` or `||`."""
