"""The folder in which downloads are kept."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.files import FolderInUseError, reason

VARIABLE = "MMNET_CACHE"


def folder() -> Path:
    """The cache: the folder that `MMNET_CACHE` names, else one in the user's cache folder.

    Raises:
        UsageError: `MMNET_CACHE` cannot be the name of a folder.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return platformdirs.user_cache_path("mmnet-deploy", appauthor=False)
    try:
        path = Path(given).expanduser().absolute()
        path.exists()
    except (RuntimeError, OSError) as error:
        why = reason(error) if isinstance(error, OSError) else "there is no such user"
        raise UsageError(f"`{VARIABLE}` must name a folder. Received: {given} ({why}).") from error
    return path


@contextlib.contextmanager
def writable(what: str) -> Iterator[None]:
    """Within, an error of writing says how to choose another cache.

    Args:
        what: What is kept there, at the beginning of a sentence.
    """
    try:
        yield
    except FolderInUseError:
        raise
    except OutputError as error:
        raise OutputError(
            f"{error} {what} are kept in {folder()}; `{VARIABLE}` names another folder."
        ) from error
