"""Files that are either whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mmnet_deploy.errors import OutputError
from mmnet_deploy.files.aside import aside_of, clear_once


def reason(error: OSError) -> str:
    """The operating system's own words for `error`, without number and path."""
    return error.strerror or str(error)


def make_folder(folder: Path) -> Path:
    """Create `folder` with its parents and make sure that it can be written.

    Raises:
        OutputError: It is a file, or the user may not write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"Cannot write to the folder {folder}: {reason(error)}.") from error
    return folder


def check_folder(folder: Path) -> None:
    """Make sure, without making it, that `folder` can be made and written.

    Raises:
        OutputError: It, or a folder above it, is a file or may not be written.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise OutputError(f"Cannot write to the folder {folder}: {there} is not a folder.")
    if not os.access(there, os.W_OK):
        raise OutputError(f"Cannot write to the folder {folder}: {there} may not be written.")


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path`, else it goes.

    The temporary name keeps the suffixes, since some writers choose the format by them. Those
    that killed processes left in the folder are removed.

    Raises:
        OutputError: The folder cannot be written.
    """
    clear_once(path.parent)
    aside = aside_of(path)
    try:
        yield aside
        os.replace(aside, path)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {reason(error)}.") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; on success it becomes `folder`, else it goes.

    If another process has put one there meanwhile, that one stays: it may be in use.

    Raises:
        OutputError: The folder above cannot be written.
    """
    clear_once(folder.parent)
    aside = aside_of(folder)
    try:
        aside.mkdir()
        yield aside
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except OSError as error:
        raise OutputError(f"Cannot write to {folder.parent}: {reason(error)}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write `content` to `path` in one step; see `written_aside`."""
    with written_aside(path) as aside:
        aside.write_bytes(content)
    return path


def write_text(path: Path, content: str) -> Path:
    """Write `content` to `path` as UTF-8 in one step; see `written_aside`."""
    return write_bytes(path, content.encode())


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of the file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
