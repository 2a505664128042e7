"""Snippets by language: templates filled with the facts, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jinja2
import numpy as np

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.output import ALPHA
from mmnet_deploy.snippets.facts import Facts
from mmnet_deploy.version import __version__

LITERT = "2.1.0"
"""Version of `com.google.ai.edge.litert:litert` whose Kotlin classes the snippet calls."""

MEDIA_PIPE = "0.10.35"
"""Version of `com.google.mediapipe:tasks-vision`; as `LITERT`."""

_BUFFERS = {"float32": "Float", "int8": "Int8", "uint8": "Int8", "int32": "Int"}
"""What reads and writes a type in LiteRT's Kotlin `TensorBuffer`: bytes have no sign of their own
there."""

_TASKS_TYPES = ("float32", "uint8")
"""Types that MediaPipe's image tasks take and give (`image_tensor_specs.cc`)."""

_TOLERANCE = 1e-4
"""Of a range, relative to its width, that float32 normalisation may miss."""


def _no_litert(facts: Facts) -> str:
    """Why LiteRT's Kotlin classes cannot run a file; empty if they can."""
    for side, dtype in (("input", facts.picture.dtype), ("output", facts.output_dtype)):
        if dtype.name not in _BUFFERS or (side == "input" and dtype.name == "int32"):
            return (
                f"its {side} is {dtype.name}, which TensorBuffer cannot "
                f"{'write' if side == 'input' else 'read'}: convert it with another --io, or write "
                "a `python` snippet"
            )
    return ""


def _no_tasks(facts: Facts) -> str:
    """Why MediaPipe's ImageSegmenter cannot run a file; empty if it can."""
    picture, matte, said = facts.picture, facts.matte, facts.metadata
    otherwise = "`--for kotlin-litert` does without MediaPipe"
    if picture.channels_first:
        return f"its input has the colours first; {otherwise}"
    for side, dtype in (("input", picture.dtype), ("output", facts.output_dtype)):
        if dtype.name not in _TASKS_TYPES:
            return f"its {side} is {dtype.name}, not float32 or uint8; {otherwise}"
    if len(facts.output_shape) != 4 or matte.layout.channels_first:
        return f"its output is not (1, height, width, masks); {otherwise}"
    if picture.dtype.kind == "f":
        if said is None or not said.inputs or not said.inputs[0].mean:
            return f"it has no metadata with NormalizationOptions: convert it again, or {otherwise}"
        problem = _other_range(facts)
        if problem:
            return f"{problem}; {otherwise}"
    elif picture.quantization is not None and not picture.holds_bytes:
        return f"its input does not hold the bytes of a picture one for one; {otherwise}"
    activation = said.activation if said else ""
    if matte.kind == ALPHA and matte.white == 1 and activation in ("", "none"):
        return ""
    if (matte.kind, activation) in (("logit", "sigmoid"), ("softmax", "softmax")):
        return ""
    return f"its output is {matte.kind}, which the segmenter would give as it is; {otherwise}"


def _other_range(facts: Facts) -> str:
    """How the metadata's range differs from the network's; empty if it does not."""
    said = facts.metadata.inputs[0] if facts.metadata else None
    low, high = facts.picture.input_range
    if said is None or len(set(zip(said.mean, said.std, strict=False))) != 1 or not said.std[0]:
        return "its metadata normalises each colour in another way, which MediaPipe refuses"
    black, white = (-said.mean[0] / said.std[0], (255 - said.mean[0]) / said.std[0])
    if max(abs(black - low), abs(white - high)) > _TOLERANCE * (high - low):
        return (
            f"its metadata says that black and white are {black:g} and {white:g}, not {low:g} and "
            f"{high:g}"
        )
    return ""


LANGUAGES: dict[str, tuple[str, Callable[[Facts], str]]] = {
    "kotlin-tasks": ("kotlin_tasks.kt.jinja", _no_tasks),
    "kotlin-litert": ("kotlin_litert.kt.jinja", _no_litert),
    "python": ("python.py.jinja", lambda facts: ""),
}
"""Template of each kind of snippet, and what says why a file cannot have it."""


def require_language(language: str) -> None:
    """Make sure that there are snippets for something.

    Raises:
        UsageError: There are none.
    """
    if language not in LANGUAGES:
        raise UsageError(f"`--for` must be one of {', '.join(LANGUAGES)}. Received: {language}.")


def snippet(facts: Facts, language: str, place: str | None = None) -> str:
    """The source of a file that runs a network in an app.

    Args:
        language: A name in `LANGUAGES`.
        place: Where the file is, from the folder of a Python snippet. Default: in that folder.

    Raises:
        UsageError: There is no such language, or what it calls cannot run the file.
    """
    require_language(language)
    template, problem_of = LANGUAGES[language]
    problem = problem_of(facts)
    if problem:
        raise UsageError(f"{facts.name} cannot have a {language} snippet: {problem}.")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # What is filled in is numbers, and texts through these two filters.
    )
    environment.filters |= {"kotlin": _kotlin, "python": repr, "comment": _comment, "real": _real}
    return environment.get_template(template).render(
        facts=facts,
        place=place or facts.name,
        picture=facts.picture,
        low=facts.picture.input_range[0],
        step=_single((facts.picture.input_range[1] - facts.picture.input_range[0]) / 255),
        first=int(np.iinfo(facts.picture.dtype).min) if facts.picture.dtype.kind in "iu" else 0,
        last=int(np.iinfo(facts.picture.dtype).max) if facts.picture.dtype.kind in "iu" else 0,
        matte=facts.matte,
        layout=facts.matte.layout,
        buffers=_BUFFERS,
        version=__version__,
        litert=LITERT,
        media_pipe=MEDIA_PIPE,
    )


def _single(value: float) -> float:
    """The number of float32 nearest to it, which all arithmetic here uses."""
    return float(np.float32(value))


def _real(value: float) -> str:
    """A number of float32 in as few digits as it takes to read it back."""
    text = str(np.float32(value))
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def _kotlin(text: str) -> str:
    """A string in Kotlin."""
    return json.dumps(text).replace("$", "\\$")


def _comment(text: str) -> str:
    """A text that ends no comment and begins no line."""
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable.replace("*/", "* /").replace('"""', "'''").replace("\\", "/")
