"""Results on disk, one JSON file each."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mmnet_deploy.errors import ResultError
from mmnet_deploy.files import make_folder, read_regular, reason, write_text
from mmnet_deploy.results.record_json import from_json, to_json
from mmnet_deploy.results.records import Benchmark, Cost, Record

MOST_BYTES = 2**26
"""Size of the largest file that is read as a result: 64 MiB hold a million samples."""

_LONGEST_NAME = 200
"""Bytes of a file's name. Most file systems take 255, of which writing needs some."""


def _file_name(record: Record) -> str:
    """A name that tells results apart; a repeated evaluation, count or import keeps its name.

    The end of one that is too long gives way to a hash of the whole.
    """
    if isinstance(record, Benchmark):
        engine, source = record.engine, record.imported_from
        made = re.sub(r"[^0-9T]", "", record.created_at.partition("+")[0])
        about = [
            record.device.serial or record.device.model,
            f"{engine.name}-{engine.version}-{engine.delegate}",
            f"t{record.threads}",
            f"{source.sha256[:12]}-{source.run}" if source else made,
        ]
    elif isinstance(record, Cost):
        engine = record.engine
        about = [record.cpu, engine.delegate, engine.sha256[:8], record.runtime_wheel_sha256[:8]]
    else:
        size = f"{record.height_px}x{record.width_px}" if record.height_px else "native"
        about = [
            record.data,
            record.data_sha256[:8],
            record.split,
            size if record.upsample == "bilinear" else f"{size}-{record.upsample}",
            record.engine,
            *record.options,
        ]
    stem = record.model.name.removesuffix(".tflite").removesuffix(".keras")
    parts = [record.kind, stem, record.model.sha256[:8], *about]
    whole = "-".join(parts)
    name = re.sub(r"[^\w.-]", "_", whole)
    room = _LONGEST_NAME - len(".json")
    if len(name.encode()) > room:
        digest = hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()[:16]
        kept = name.encode()[: room - len(digest) - 1].decode(errors="ignore")
        name = f"{kept}-{digest}"
    return name + ".json"


def save(record: Record, folder: Path) -> Path:
    """Store a result at once and whole; returns its file.

    Raises:
        OutputError: The folder cannot be written.
    """
    make_folder(folder)
    return write_text(folder / _file_name(record), to_json(record))


@dataclasses.dataclass(frozen=True)
class StoredResults:
    """What was read, and what could not be.

    Attributes:
        records, files: The results, and the file of each.
        skipped: One line for each file of a folder that is no result that can be read.
    """

    records: tuple[Record, ...]
    files: tuple[Path, ...]
    skipped: tuple[str, ...]


def _files(folder: Path) -> list[Path]:
    """The `.json` files directly in it, but those that are being written."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.name.endswith(".json") and e.name[0] != "."]
    except OSError as error:
        raise ResultError(f"Cannot read {folder}: {reason(error)}.") from error
    return [folder / name for name in sorted(names)]


def _read_file(file: Path) -> Record:
    """One result; the error names the file."""
    try:
        return from_json(read_regular(file, MOST_BYTES))
    except OSError as error:
        why = "it is too large to be a result" if error.errno == errno.EFBIG else reason(error)
        raise ResultError(f"{file}: cannot be read: {why}.") from error
    except ResultError as error:
        raise ResultError(f"{file}: {error}") from error


def each(paths: Iterable[Path], skip: Callable[[str], None]) -> Iterator[tuple[Path, Record]]:
    """Results one by one, so that not all of them have to be in memory; see `read`.

    A file that is reached in two ways, such as by its folder and by its name, comes once.

    Args:
        skip: Takes a line for each file of a folder that is no result.

    Raises:
        ResultError: As `read`; that there are none is known at the end.
    """
    paths = list(paths)
    named = {os.path.realpath(path) for path in paths if not path.is_dir()}
    seen: set[str] = set()
    skipped: list[str] = []
    found = False
    for path in paths:
        in_folder = path.is_dir()
        real = os.path.realpath(path)
        for file in _files(path) if in_folder else [path]:
            place = os.path.join(real, file.name) if in_folder else real
            if place in seen:
                continue
            seen.add(place)
            try:
                record = _read_file(file)
            except ResultError as error:
                if place in named:
                    raise
                skipped.append(str(error))
                skip(skipped[-1])
            else:
                found = True
                yield file, record
    if not found:
        names = ", ".join(str(path) for path in paths)
        more = f" and {len(skipped) - 1} more files" if len(skipped) > 1 else ""
        wrong = f" Not read: {skipped[0].rstrip('.')}{more}." if skipped else ""
        raise ResultError(
            f"No results in {names}. `mmnet-deploy bench` and `evaluate` write them.{wrong}"
        )


def read(paths: Iterable[Path]) -> StoredResults:
    """Read results from files, and from folders all `.json` files directly in them.

    A file that was named has to be a result. In a folder, one that is half-written, foreign
    or of a newer version is skipped, and the others are read.

    Raises:
        ResultError: A path does not exist, a named file is no result, or there are none.
    """
    skipped: list[str] = []
    found = list(each(paths, skipped.append))
    files, records = zip(*found, strict=True)
    return StoredResults(records, files, tuple(skipped))


def load(paths: Iterable[Path]) -> list[Record]:
    """The results alone, where nobody needs to know what was skipped; see `read`."""
    return list(read(paths).records)
