"""Recipes as TOML files: those that ship, and a user's own.

A file is flat: one line `field = value` for each field of `recipe.Recipe` that differs
from the default. What is wrong is refused with the number of its line.
"""

from __future__ import annotations

import contextlib
import dataclasses
from importlib import resources
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import read_regular, reason
from mmnet_deploy.files.toml import MOST_BYTES, TomlError, as_text, cut_off, from_toml, line_of
from mmnet_deploy.runs.recipe import Recipe, checked, field_names, problem, unknown

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
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"Cannot read the recipe {path}: {reason(error)}.") from error
    return parse(content, str(path))


def parse(content: bytes | str, name: str) -> dict[str, Any]:
    """The fields that a recipe's text sets.

    Args:
        name: What messages call it.

    Raises:
        UsageError: It is no TOML, or a field is unknown, of a wrong type or impossible.
    """
    try:
        values = from_toml(content)
    except TomlError as error:
        where = f", line {error.line}" if error.line else ""
        raise UsageError(f"{name}{where}: is no TOML: {error}.") from error
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    for key, value in values.items():
        if key in fields:
            said = problem(fields[key], value)
        elif isinstance(value, dict):
            said = f"`{cut_off(key)}` is no field of a recipe, which has no tables or dotted names"
        else:
            said = unknown(key)
        if said:
            raise UsageError(f"{name}, line {line_of(as_text(content), key)}: {said}.")
    return checked(values)


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
    value: Any = written
    if "\n" not in written and "\r" not in written:
        with contextlib.suppress(TomlError):
            value = from_toml(f"value = {written}")["value"]
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
