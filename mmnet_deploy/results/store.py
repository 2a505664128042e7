"""Results on disk, one JSON file each."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from pathlib import Path

from mmnet_deploy.errors import ResultError
from mmnet_deploy.files import make_folder, reason, write_text
from mmnet_deploy.results.record_json import from_json, to_json
from mmnet_deploy.results.records import Benchmark, Cost, Record


def _file_name(record: Record) -> str:
    """A name that tells results apart; a repeated evaluation or count keeps its name."""
    if isinstance(record, Benchmark):
        engine = record.engine
        about = [
            record.device.serial,
            f"{engine.name}-{engine.version}-{engine.delegate}",
            f"t{record.threads}",
            re.sub(r"[^0-9T]", "", record.created_at.partition("+")[0]),
        ]
    elif isinstance(record, Cost):
        engine = record.engine
        about = [record.cpu, engine.delegate, engine.sha256[:8], record.runtime_wheel_sha256[:8]]
    else:
        size = f"{record.height_px}x{record.width_px}" if record.height_px else "native"
        about = [record.data, record.data_sha256[:8], record.split, size, record.engine]
    stem = record.model.name.removesuffix(".tflite").removesuffix(".keras")
    parts = [record.kind, stem, record.model.sha256[:8], *about]
    return re.sub(r"[^\w.-]", "_", "-".join(parts)) + ".json"


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
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.endswith(".json") and e.name[0] != "."]
    return [folder / name for name in sorted(names)]


def _read_file(file: Path) -> Record:
    """One result; the error names the file."""
    try:
        with open(file, "rb") as content:
            return from_json(content.read())
    except OSError as error:
        raise ResultError(f"Cannot read {file}: {reason(error)}.") from error
    except ResultError as error:
        raise ResultError(f"{file}: {error}") from error


def read(paths: Iterable[Path]) -> StoredResults:
    """Read results from files, and from folders all `.json` files directly in them.

    A file that was named has to be a result. In a folder, one that is half-written, foreign
    or of a newer version is skipped, and the others are read.

    Raises:
        ResultError: A path does not exist, a named file is no result, or there are none.
    """
    paths = list(paths)
    records: dict[Path, Record] = {}
    skipped = []
    for path in paths:
        if not path.is_dir():
            records[path] = _read_file(path)
            continue
        try:
            files = _files(path)
        except OSError as error:
            raise ResultError(f"Cannot read {path}: {reason(error)}.") from error
        for file in files:
            try:
                records[file] = _read_file(file)
            except ResultError as error:
                skipped.append(str(error))
    if not records:
        names = ", ".join(str(path) for path in paths)
        more = f" and {len(skipped) - 1} more files" if len(skipped) > 1 else ""
        wrong = f" Not read: {skipped[0].rstrip('.')}{more}." if skipped else ""
        raise ResultError(
            f"No results in {names}. `mmnet-deploy bench` and `evaluate` write them.{wrong}"
        )
    return StoredResults(tuple(records.values()), tuple(records), tuple(skipped))


def load(paths: Iterable[Path]) -> list[Record]:
    """The results alone, where nobody needs to know what was skipped; see `read`."""
    return list(read(paths).records)
