"""What a synthetic data set is, and whether all of it is there: a file in its folder.

It is written before the first picture, as unfinished, and once more after the last.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import read_regular, write_text
from mmnet_deploy.portraits.problems import Problem

NAME = "synthetic.json"

_MOST_BYTES = 2**16


def write(root: Path, numbers: dict[str, Any], *, finished: bool) -> None:
    """Write what the data set in `root` is drawn by, and whether it is whole.

    Raises:
        OutputError: The file cannot be written.
    """
    content = {"kind": "synthetic portraits", **numbers, "finished": finished}
    write_text(root / NAME, json.dumps(content, indent=1) + "\n")


def read(root: Path) -> dict[str, Any] | None:
    """What `write` has written last; None where it has written nothing.

    Raises:
        DataError: The file is damaged.
    """
    path = root / NAME
    if not path.exists():
        return None
    try:
        content = json.loads(read_regular(path, _MOST_BYTES).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged. Remove it if the data set is whole.") from error
    if not isinstance(content, dict) or not isinstance(content.get("finished"), bool):
        raise DataError(f"{path} is damaged. Remove it if the data set is whole.")
    return content


def problem(root: Path) -> Problem | None:
    """What is wrong where `root` is a synthetic data set that is not whole.

    Raises:
        DataError: See `read`.
    """
    content = read(root)
    if content is None or content["finished"]:
        return None
    words = " ".join(f"--{name} {content.get(name)}" for name in ("count", "size", "seed"))
    return Problem(
        root,
        "is a synthetic data set that was not finished. Draw the rest with: mmnet-deploy dataset "
        f"synth {shlex.quote(str(root))} {words}",
    )
