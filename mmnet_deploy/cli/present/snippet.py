"""`mmnet-deploy snippet`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli.console import FOLDER, say, show
from mmnet_deploy.cli.model_options import TFLITE, meaning_of, meaning_options
from mmnet_deploy.errors import ModelFileError, OutputError


@click.command()
@click.argument("model", metavar="MODEL.tflite", type=TFLITE)
@click.option(
    "--for",
    "language",
    required=True,
    help="What the code is for: kotlin-tasks (MediaPipe Tasks' ImageSegmenter), kotlin-litert "
    "(LiteRT's CompiledModel) or python (ai-edge-litert).",
)
@click.option(
    "-o", "--out", "target", metavar="FILE", type=FOLDER,
    help="Where to write the code. Default: standard output.",
)  # fmt: skip
@click.option(
    "--replace", is_flag=True, help="Overwrite a file that has another content, such as your edits."
)
@meaning_options
def snippet(model: Path, language: str, target: Path | None, replace: bool, **meaning: Any) -> None:
    """Write the code that runs a .tflite file in an app: resize, normalise, composite.

    Size, range, layout and output come from the file. What a file of another converter does not
    say of itself is given by the options; a float file that says its range nowhere needs
    --input-range.

    \b
    Examples:
      mmnet-deploy snippet models/mmnet-1.0-256-int8.tflite --for kotlin-tasks
      mmnet-deploy snippet models/mmnet-1.0-256-int8.tflite --for kotlin-litert -o Matting.kt
      mmnet-deploy snippet other.tflite --for python --input-range -1 1 -o matting.py
    """
    from mmnet_deploy import snippets
    from mmnet_deploy.files import check_folder, make_folder, written_aside
    from mmnet_deploy.tflite.card import is_tflite

    snippets.require_language(language)
    if target is not None:
        check_folder(target.parent)
        if target.is_dir():
            raise OutputError(f"`--out` must be a file to write the code to. Received: {target}.")
    if not model.exists():
        raise ModelFileError(f"There is no file {model}.")
    if target is not None and target.exists() and target.samefile(model):
        raise OutputError(f"`--out` must be another file than the model. Received: {target}.")
    if not is_tflite(model):
        raise ModelFileError(f"{model} is not a .tflite file: `mmnet-deploy convert` makes one.")
    place = (
        model.name if target is None else os.path.relpath(model.resolve(), target.parent.resolve())
    )
    text = snippets.snippet(snippets.facts_of(model, meaning_of(meaning)), language, place)
    if target is None:
        for line in text.splitlines():
            show(line)
        return
    if target.exists() and not replace and not _is(target, text):
        raise OutputError(
            f"{target} is there already and holds something else: give another file, or --replace "
            "to overwrite it."
        )
    make_folder(target.parent)
    with written_aside(target) as aside:
        aside.write_text(text, "utf-8")
    if language == "python":
        say(f"Wrote {target}. Next: python {shlex.quote(str(target))} PICTURE RESULT.png")
    else:
        say(f"Wrote {target}. Put {model.name} into the app's src/main/assets.")


def _is(path: Path, text: str) -> bool:
    """Whether a file holds a text already."""
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
