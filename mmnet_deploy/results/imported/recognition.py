"""What a file of another tool is, by its content and never by its suffix."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import benchmark_log, litert_benchmark, own_log, protos
from mmnet_deploy.results.imported.protos import RuntimeInfo
from mmnet_deploy.results.imported.run import ForeignRun
from mmnet_deploy.results.imported.text import decoded

KNOWN = (
    "JSON or text of litert-benchmark, a result proto or a log of benchmark_model, or the output "
    "of tflbench"
)


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        runs: Its runs in order; one that cannot be used is its error.
        info: What ran a model, of a file that says only that.
    """

    runs: tuple[ForeignRun | ResultError, ...] = ()
    info: RuntimeInfo | None = None


def read(content: bytes) -> Contents:
    """What a file holds.

    Raises:
        ResultError: It is none that is known; the message does not name the file.
    """
    if not content.strip():
        raise ResultError("it is empty")
    text = decoded(content)
    if text is None:
        return _binary(content)
    if own_log.is_output(text):
        return Contents(tuple(own_log.read(text)))
    if text.lstrip().startswith(("{", "[")):
        return Contents((_json(text),))
    if litert_benchmark.is_text(text):
        return Contents(tuple(litert_benchmark.from_text(text)))
    if benchmark_log.is_log(text):
        return Contents(tuple(benchmark_log.read(text)))
    raise ResultError(f"it holds no measurement that is known. Known are {KNOWN}")


def _binary(content: bytes) -> Contents:
    if content[4:8] == b"TFL3":
        raise ResultError("it is a TFLite model, not a measurement: give it with --model")
    if content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise ResultError("it is an archive: unpack it, and name the files in it")
    if run := protos.result(content):
        return Contents((run,))
    if info := protos.runtime_info(content):
        return Contents(info=info)
    raise ResultError(f"it holds no measurement that is known, or is damaged. Known are {KNOWN}")


class _SaidTwiceError(ValueError):
    """A JSON object has two values of one name, of which readers take either."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise _SaidTwiceError(name)
        values[name] = value
    return values


def _json(text: str) -> ForeignRun:
    try:
        values: Any = json.loads(text, object_pairs_hook=_each_once)
    except _SaidTwiceError as error:
        raise ResultError(f"its JSON says {str(error)[:60]} twice") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            raise ResultError(
                "it is more than one piece of JSON: save each result as a file of its own"
            ) from None
        raise ResultError("it is damaged JSON, or is cut off") from None
    if not isinstance(values, dict):
        raise ResultError("it is JSON of another program than litert-benchmark")
    if "schema_version" in values and "kind" in values:
        raise ResultError("it is a result of mmnet-deploy already: name it beside the others")
    if not {"latency", "accelerators"} & values.keys():
        raise ResultError("it is JSON of another program than litert-benchmark")
    return litert_benchmark.from_json(text)
