"""Damaged recipes, latency profiles and configurations of runs.

Texts that are valid are changed at random: bytes, lines and whole values, with what parsers
stumble over put in. Each is read as a file by the function that a command reads it with.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmnet_deploy.results.estimate.profile import PROFILES, load_profile
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.runs.rules import check_config
from mmnet_deploy.runs.run import Run, RunConfig
from tests.fuzz.outcome import Outcome

CAMPAIGN = 60_000

WORDS = (
    b"[", b"]", b"{", b"}", b'"""', b"'''", b'"', b"'", b"=", b".", b",", b"#", b"\\", b"\n", b"\r",
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\\u", b"\\ud800", b"nan", b"-inf", b"1e999", b"true",
    b"0x", b"9" * 400, b"9" * 5000, b"-0", b"1979-05-27", b"[" * 3000, b"{a=" * 2000, b"a." * 3000,
    b"null", b"epochs", b"seed = 1\n", b"[epochs]\n", b"[[seed]]\n", b'"\\u0065pochs" = 1\n',
    b'{"":1}',
)  # fmt: skip


def _recipe(path: Path) -> object:
    return Recipe(**recipe_file.read(str(path)))


def _config(path: Path) -> object:
    config = Run(path.parent).read_config()
    check_config(config)
    return config


def _sources() -> list[tuple[str, bytes, Callable[[Path], object]]]:
    """The name, the content and the reader of each kind of file."""
    config = RunConfig(
        family="tiny", width_multiplier=1.0, input_size=32, data="/data", split="train",
        steps_per_epoch=3, batch_norm_momentum=0.9,
    )  # fmt: skip
    return [
        ("recipe.toml", recipe_file.write(Recipe()).encode(), _recipe),
        ("config.json", json.dumps(dataclasses.asdict(config), indent=2).encode(), _config),
        ("phone.toml", next(PROFILES.glob("*.toml")).read_bytes(), load_profile),
    ]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes of a text."""
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(6)
        at, end = np.sort(rng.integers(0, len(content) + 1, 2)).tolist()
        word = WORDS[rng.integers(len(WORDS))]
        lines = content.splitlines(keepends=True) or [b""]
        line = int(rng.integers(len(lines)))
        if kind == 0:
            content = content[:at] + word + content[at:]
        elif kind == 1:
            content = content[:at] + word + content[at + len(word) :]
        elif kind == 2:
            content = content[:at] + content[min(end, at + 20) :]
        elif kind == 3:  # A value, behind its = or :.
            name, sign, _ = lines[line].partition(b"=" if b"=" in lines[line] else b":")
            lines[line] = name + sign + b" " + word + b",\n" * (sign == b":") + b"\n"
            content = b"".join(lines)
        elif kind == 4:
            lines.insert(int(rng.integers(len(lines))), lines[line])
            content = b"".join(lines)
        elif len(content):
            spot = int(rng.integers(len(content)))
            content = content[:spot] + bytes([rng.integers(256)]) + content[spot + 1 :]
    return content


def campaign(cases: int, seed: int) -> Outcome:
    """Read damaged files; the longest time of one is noted."""
    outcome = Outcome()
    sources = _sources()
    longest_s = 0.0
    with tempfile.TemporaryDirectory() as name:
        for case in range(cases):
            file, content, read = sources[case % len(sources)]
            path = Path(name) / file
            path.write_bytes(damaged(content, np.random.default_rng([seed, case])))
            begin = time.perf_counter()
            outcome.read(f"{file}, case {case}", functools.partial(read, path), longest=2000)
            longest_s = max(longest_s, time.perf_counter() - begin)
    outcome.notes.append(f"the longest took {longest_s:.2f} s")
    return outcome
