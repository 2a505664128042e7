"""Damaged files of other tools.

Whatever is read can be stored, read back and stand in a table; everything else is one line.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from pathlib import Path

from android_benchmark import DeviceFacts
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.results import imported, record_json, table
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.tflite.card import ModelFile
from tests.fuzz.engine_logs import own_log
from tests.fuzz.outcome import Outcome
from tests.support import FIXTURES
from tests.support.foreign_results import IMPORTED, result_proto, runtime_info

CAMPAIGN = 20_000

RECORDED = tuple(
    path.read_bytes()
    for path in sorted([*IMPORTED.glob("*"), *(FIXTURES / "benchmark_model").glob("*.txt")])
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_ODD = (
    b"", b"0", b"-1", b"NaN", b"nan", b"inf", b"1e999", b"9" * 30, b"1.2.3", b"12e", b"2147483648",
    b"18446744073709551616", "٣".encode(), b"\x00", b"\xff\xfe", b"[" * 3000, b'"', b"\r", b"\n",
)  # fmt: skip
_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32")


def damaged(rng: random.Random) -> bytes:
    """A file of another tool with numbers replaced, bytes changed, parts cut or doubled."""
    content = rng.choice(
        (
            *RECORDED,
            result_proto(),
            result_proto(runs=rng.randrange(-3, 3)),
            runtime_info(rng.randrange(4), tuple(range(rng.randrange(4)))),
            own_log(rng).encode(),
        )
    )
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        numbers = list(_NUMBER.finditer(content))
        at = rng.randrange(len(content) + 1)
        match rng.randrange(8):
            case 0 if numbers:
                begin, end = rng.choice(numbers).span()
                content = content[:begin] + rng.choice(_ODD) + content[end:]
            case 1:
                content = content[:at]
            case 2:
                content = content[:at] + rng.choice(_ODD) + content[at:]
            case 3:
                content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
            case 4:
                lines = content.split(b"\n")
                rng.shuffle(lines) if rng.random() < 0.2 else lines.pop(rng.randrange(len(lines)))
                content = b"\n".join(lines)
            case 5:
                content += rng.choice(RECORDED)
            case 6:
                content = content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\r\r\n")))
            case _:
                text = content.decode("utf-8", "replace")
                content = text.encode(rng.choice(_ENCODINGS), "replace")
    return content


def _import(file: Path) -> None:
    """Import a file as the command does it, and look at every result from all sides."""
    refused: list[str] = []
    runs = imported.find([file], refused.append, refused.append)
    for run in runs:
        size = run.run.model_bytes
        model = ModelFile(run.run.model_name or "a", "a" * 64, round(sum(size) / 2) if size else 1)
        given = imported.Given(
            DeviceFacts("", "Phone", "", 0, ""), (imported.GivenModel(model.name, model),)
        )
        result = imported.benchmark(run, given)
        text = record_json.to_json(result)
        if record_json.from_json(text) != result:
            raise ValueError("it is not read back as it was stored")
        latency, row = quoted(result), table.row(result, file)
        json.dumps(row, allow_nan=False)
        least = result.measurement.statistics
        if least and not least.min_us <= latency.quoted_us <= least.max_us + least.step_us:
            raise ValueError("its latency is not between its least and its greatest")
    for line in refused:
        if "\n" in line or len(line) > 700:
            raise ValueError(f"a message that is no line: {line}")
    if not runs:
        raise MmnetDeployError("refused")


def campaign(cases: int, seed: int) -> Outcome:
    """Import each damaged file."""
    rng = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "file"
        for number in range(cases):
            file.write_bytes(damaged(rng))
            outcome.read(f"{seed}:{number}", lambda: _import(file))
    return outcome
