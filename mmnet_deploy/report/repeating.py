"""The commands that repeat what is stored, made from the records alone."""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from collections.abc import Sequence

from android_benchmark import PRESETS, RunRules
from mmnet_deploy.downloads import published
from mmnet_deploy.mattes import metrics
from mmnet_deploy.results.grouping import grouped
from mmnet_deploy.results.records import Benchmark, Evaluation
from mmnet_deploy.tflite.card import ModelFile

HOST = "host"
"""The serial of this computer, which neither rests nor is told an engine."""

EMULATED = "emulated"
"""The serial of the emulated phone, which runs tflbench unless it is told another engine."""

_ENGINES = ("benchmark_model", "tflbench")

OPTIONS = {
    "warmup_min_runs": "--warmup-runs",
    "warmup_min_s": "--warmup-duration",
    "min_runs": "--min-runs",
    "min_duration_s": "--min-duration",
    "max_duration_s": "--max-duration",
    "percentile": "--percentile",
    "rest_margin_c": "--rest-margin",
    "rest_max_s": "--rest",
}
"""The options of `bench` by the rules that they change; a test compares them with the command."""

_RESTS = ("rest_margin_c", "rest_max_s")


def word(text: str) -> str:
    """A word as a shell takes it; what cannot be printed is written as bash and zsh read it."""
    if text.isprintable():
        quoted = shlex.quote(text)
        # zsh takes an open `=name` for the path of the program of that name.
        return f"'{text}'" if quoted.startswith("=") else quoted
    characters = (
        f"\\{c}" if c in "\\'" else c if c.isprintable() else "".join(map(_byte, _encoded(c)))
        for c in text
    )
    return f"$'{''.join(characters)}'"


def _encoded(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape" if character >= "\udc80" else "replace")


def _byte(value: int) -> str:
    return f"\\x{value:02x}"


def _number(value: float) -> str:
    """The shortest text that is read back as the same number."""
    short = str(value) if isinstance(value, int) else f"{value:g}"
    return short if float(short) == value else repr(value)


def _differing(rules: RunRules, preset: RunRules, names: Sequence[str]) -> list[str]:
    return [name for name in names if getattr(rules, name) != getattr(preset, name)]


def rules_words(rules: RunRules, rests: bool = True) -> list[str]:
    """The preset that is nearest to the rules, and an option for each rule that it has otherwise.

    Args:
        rests: Whether the device rests; where it does not, its rules have no rests.
    """
    names = [
        field.name for field in dataclasses.fields(RunRules) if rests or field.name not in _RESTS
    ]
    apart = {
        name: _differing(rules, preset, names)
        for name, preset in PRESETS.items()
        # No option takes a margin away.
        if not rests or rules.rest_margin_c is not None or preset.rest_margin_c is None
    }
    nearest = min(apart, key=lambda name: len(apart[name]))
    changed = apart[nearest]
    if changed and "max_duration_s" not in changed:
        changed.append("max_duration_s")  # which follows from the other rules where it is left out
    words = ["--preset", nearest]
    for name in changed:
        words += [OPTIONS[name], _number(getattr(rules, name))]
    return words


def preset_name(rules: RunRules, rests: bool = True) -> str:
    """The preset that has the rules; empty where none has."""
    words = rules_words(rules, rests)
    return words[1] if len(words) == 2 else ""


def rests(benchmark: Benchmark) -> bool:
    """Whether its device rests between runs."""
    return benchmark.device.serial != HOST


def _model_words(models: Sequence[ModelFile]) -> list[str]:
    """Each file once; a name that begins with a dash is no option.

    A published network has the name that every computer knows.
    """
    known = {model.sha256: published.by_sha256(model.sha256) for model in models}
    names = dict.fromkeys(
        network.argument if (network := known[model.sha256]) else model.name for model in models
    )
    return [word(f"./{name}" if name.startswith("-") else name) for name in names]


def bench_command(group: Sequence[Benchmark]) -> str:
    """What repeats benchmarks of one device, engine and setting, with their number of repeats."""
    first = group[0]
    words = ["mmnet-deploy", "bench", *_model_words([result.model for result in group])]
    words += ["--device", word(first.device.serial), "--threads", str(first.threads)]
    words += ["--delegate", word(first.engine.requested or first.engine.delegate)]
    if first.delegate_precision:
        words += ["--delegate-precision", word(first.delegate_precision)]
    for flag in first.engine_flags:
        words += ["--engine-flag", word(flag)]
    if first.cores_wanted:
        words += ["--cores", word(first.cores_wanted)]
    if first.rules:
        words += rules_words(first.rules, rests(first))
    repeats = max(Counter(result.model.sha256 for result in group).values())
    if repeats > 1:
        words += ["--repeats", str(repeats)]
    if first.profiled:
        words.append("--profile")
    words += _engine_words(first)
    return " ".join([*words, "-o", "results"])


def _engine_words(benchmark: Benchmark) -> list[str]:
    """The options that choose the same engine: a release, else a path with the engine's name."""
    engine, serial = benchmark.engine, benchmark.device.serial
    if engine.release:
        return ["--engine-version", word(engine.release)]
    usual = serial == HOST or (serial == EMULATED and engine.name == "tflbench")
    return ["--engine-binary", engine.name] if engine.name in _ENGINES and not usual else []


def evaluation_commands(evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """The commands that repeat evaluations, one for each way."""
    usual = {metric.name for metric in metrics.named()}
    commands = []
    for group in grouped(
        evaluations,
        lambda e: (e.data, e.split, e.size_name, frozenset(e.scores), e.options),
    ).values():
        first = group[0]
        size = f"{first.height_px}x{first.width_px}" if first.height_px else "native"
        words = ["mmnet-deploy", "evaluate", *_model_words([result.model for result in group])]
        words += ["--data", word(first.data), "--split", word(first.split), "--eval-size", size]
        if first.upsample != "bilinear":
            words += ["--upsample", first.upsample]
        known = [name for name in first.scores if name in metrics.METRICS]
        if set(known) != usual:
            words += [part for name in known for part in ("--metric", name)]
        words += map(word, first.options)
        commands.append(" ".join([*words, "-o", "results"]))
    return tuple(commands)
