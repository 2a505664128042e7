"""Stored results, with fields replaced, taken out, doubled or garbled."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.results import store, table, table_file
from mmnet_deploy.results.record_json import to_json
from tests.fuzz.outcome import Outcome
from tests.support.results import benchmark, card, counted, evaluation, model

CAMPAIGN = 20_000

_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63 - 1, 2**63, 2**64, 10**40, 1e308, -1e308, 0.5, "", "x" * 5000,
    "\ud800", "a\udcff", "\x00\x1b[31m\u202e", "=1+1", [], {}, [[]], {"a": 1}, "NaN", float("nan"),
    float("inf"),
)  # fmt: skip


def _places(value: Any, place: tuple = ()) -> list[tuple]:
    """The paths to all values inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, part in inner:
        found.append((*place, key))
        if isinstance(part, (dict, list)):
            found += _places(part, (*place, key))
    return found


def _changed(text: str, rng: random.Random) -> bytes:
    """The stored form of a result with a few values replaced or taken out."""
    content = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        places = _places(content)
        *way, last = rng.choice(places)
        holder = content
        for key in way:
            holder = holder[key]
        odd = copy.deepcopy(rng.choice(_ODD))
        match rng.randrange(4):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(("=x", "\ud800", "kind", "mad", "é", ""))] = odd
            case 2 if isinstance(holder, list):
                holder += [odd] * rng.choice((1, 1000))
            case _:
                holder[last] = odd
    return json.dumps(content).encode()


def _garbled(text: str, rng: random.Random) -> bytes:
    """The same with bytes changed, taken out or cut off."""
    content = bytearray(text.encode())
    for _ in range(rng.choice((1, 2, 10))):
        at = rng.randrange(len(content))
        match rng.randrange(4):
            case 0:
                content[at] = rng.randrange(256)
            case 1:
                del content[at : at + rng.choice((1, 50))]
            case 2:
                content[at:at] = rng.choice((b"9" * 30, b'"', b"[" * 2000, b"\xff\xfe", b"\x00"))
            case _:
                del content[at:]
        if not content:
            break
    return bytes(content)


def campaign(cases: int, seed: int) -> Outcome:
    """Write each damaged result, read it back, and make a row of a table of what is read."""
    rng = random.Random(seed)
    sound = [
        to_json(record)
        for record in (
            benchmark(model(described=card())),
            evaluation(model(described=card())),
            counted(3),
        )
    ]
    outcome = Outcome()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "damaged.json"
        for number in range(cases):
            text = rng.choice(sound)
            path.write_bytes(rng.choice((_changed, _garbled))(text, rng))
            try:
                (record,) = store.load([path])
                rows.append(table.row(record, path))
                rows[-1] |= {"again": to_json(record)[:10]}
            except MmnetDeployError:
                outcome.endings["refused"] += 1
            except Exception as error:
                outcome.failures.append(f"seed {seed}, case {number}: {error!r:.200}")
            else:
                outcome.endings["read"] += 1
            if len(rows) >= 500 or number == cases - 1:
                try:
                    table_file.write(rows, Path(scratch) / "table.csv")
                except Exception as error:
                    outcome.failures.append(f"seed {seed}, up to case {number}: {error!r:.200}")
                rows.clear()
    return outcome
