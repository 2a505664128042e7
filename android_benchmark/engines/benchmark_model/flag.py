"""The flags of one binary, read from what it prints for `--help`."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable

from android_benchmark.engines.benchmark_model.text import line


class Tool(enum.Enum):
    """Which program a help text is of."""

    BENCHMARK_MODEL = "benchmark_model"
    """The classic tool of TensorFlow Lite and of LiteRT's `tflite/`."""
    LITERT = "litert"
    """LiteRT's own tool of the same name."""
    UNKNOWN = "unknown"
    """Another program, or no help text at all."""


@dataclasses.dataclass(frozen=True)
class ToolFlag:
    """One flag: `name` without dashes, `default` and `type` as printed.

    `required` is None in the help of TensorFlow 1, which does not say.
    """

    name: str
    default: str
    type: str
    required: bool | None
    usage: str


@dataclasses.dataclass(frozen=True)
class Flags:
    """What a binary understands; `flags` is empty where the text is no help text."""

    tool: Tool
    flags: tuple[ToolFlag, ...]

    def __contains__(self, name: object) -> bool:
        return any(flag.name == name for flag in self.flags)

    def find(self, name: str) -> ToolFlag | None:
        """The flag `name`, or None if the binary does not list it."""
        return next((flag for flag in self.flags if flag.name == name), None)


_TYPES = ("int32", "int64", "float", "bool", "string")
_FLAG = re.compile(r"--([A-Za-z0-9_.-]{1,100})=")
_WORD = re.compile(r"\S+")
_REQUIRED = {"required": True, "optional": False}


def probe(help_text: str) -> Flags:
    """Read the output of `benchmark_model --help`, stdout and stderr together.

    Any text can be given; the tool of one that is no help text is UNKNOWN. Flags that occur twice,
    as `num_threads` does, are kept once.
    """
    found: dict[str, ToolFlag] = {}
    for it in line.read(help_text).lines:
        if flag := _flag(it.text.strip(" \t")):
            found.setdefault(flag.name, flag)
    return Flags(_tool(found), tuple(found.values()))


def _flag(text: str) -> ToolFlag | None:
    """`--name=default`, type, `required` or `optional`, usage: parted by tabs or, once those are
    expanded, by blanks. The default may be empty.
    """
    match = _FLAG.match(text)
    if match is None:
        return None
    kind = next((word for word in _WORD.finditer(text, match.end()) if word[0] in _TYPES), None)
    if kind is None or text[kind.start() - 1] not in " \t":
        return None
    usage = text[kind.end() :].strip(" \t")
    first, _, rest = usage.replace("\t", " ").partition(" ")
    required = _REQUIRED.get(first)
    return ToolFlag(
        name=match[1],
        default=text[match.end() : kind.start()].strip(" \t"),
        type=kind[0],
        required=required,
        usage=usage if required is None else rest.strip(" "),
    )


def _tool(names: Iterable[str]) -> Tool:
    known = set(names)
    if {"use_cpu", "use_npu"} <= known or {"graph", "dispatch_library_path"} <= known:
        return Tool.LITERT
    return Tool.BENCHMARK_MODEL if {"graph", "num_runs"} <= known else Tool.UNKNOWN
