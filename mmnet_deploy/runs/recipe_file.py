"""Recipes as TOML files: those that ship, and a user's own.

A file is flat: one line `field = value` for each field of `recipe.Recipe` that differs
from the default. What is wrong is refused with the number of its line.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import reason
from mmnet_deploy.runs.recipe import Recipe, checked, field_names, problem, unknown

# The standard library has it since Python 3.11; `tomli` is the same code for 3.10.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

DEFAULT = "default"
"""The recipe of the defaults, which needs no file."""


def shipped() -> tuple[str, ...]:
    """Names of the recipes that ship."""
    folder = resources.files("mmnet_deploy.runs") / "recipes"
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return (DEFAULT, *(name.removesuffix(".toml") for name in files))


def read(name: str) -> dict[str, Any]:
    """The fields that a recipe sets, by its name or by the path of its file.

    Raises:
        UsageError: There is no such recipe, or it cannot be used.
    """
    if name == DEFAULT:
        return {}
    if name in shipped():
        text = (resources.files("mmnet_deploy.runs") / "recipes" / f"{name}.toml").read_text(
            "utf-8"
        )
        return parse(text, name)
    path = Path(name)
    if path.suffix != ".toml":
        raise UsageError(
            f"`recipe` must be one of {', '.join(shipped())}, or a .toml file. Received: {name}."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot read the recipe {path}: {reason(error)}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text.") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> dict[str, Any]:
    """The fields that a recipe's text sets.

    Args:
        name: What messages call it.

    Raises:
        UsageError: It is no TOML, or a field is unknown, of a wrong type or impossible.
    """
    try:
        values = _toml.loads(text)
    except _toml.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+)", str(error))
        line = where.group(1) if where else str(text.count("\n") + 1)
        what = str(error).partition(" (at ")[0]
        raise UsageError(f"{name}, line {line}: is no TOML: {what}.") from error
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    for key, value in values.items():
        said = problem(fields[key], value) if key in fields else unknown(key)
        if said:
            raise UsageError(f"{name}, line {line_of(text, key)}: {said}.")
    return checked(values)


def line_of(text: str, key: str) -> int:
    """The number of the line, from 1, where a top-level key or table begins.

    The parser gives no positions. The first lines of the text are parsed, one more at a
    time, until they hold the key; lines that end within a value do not parse, so that the
    key's lines begin behind the last that did.
    """
    lines = text.splitlines()
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            found = key in _toml.loads("\n".join(lines[:end]))
        except _toml.TOMLDecodeError:
            continue
        if found:
            return begin + 1
        begin = end
    return begin + 1


def override(text: str) -> tuple[str, Any]:
    """The field and the value of `field=value`; a word needs no quotes.

    Raises:
        UsageError: It is none.
    """
    name, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not name:
        raise UsageError(f"`set` must be FIELD=VALUE. Received: {text}.")
    if name not in field_names():
        raise UsageError(f"{unknown(name)}.")
    try:
        (value,) = _toml.loads(f"value = {written}").values()
    except (_toml.TOMLDecodeError, ValueError):
        value = written
    return name, checked({name: value})[name]


def write(recipe: Recipe) -> str:
    """A recipe's text with every field that is set, to train by it again."""
    lines = []
    for name in field_names():
        value = getattr(recipe, name)
        if value is None:
            continue
        if isinstance(value, tuple):
            value = list(value)
        lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}")
    return "\n".join(lines) + "\n"
