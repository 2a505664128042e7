"""The commands of a report repeat what is stored: click parses them, and nothing is lost."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark import PRESETS, Engine, RunRules
from mmnet_deploy import report
from mmnet_deploy.api.latency.run_rules import RULES, rules_of
from mmnet_deploy.benchmarking.host import without_rests
from mmnet_deploy.cli import cli
from mmnet_deploy.report import sections
from mmnet_deploy.report.repeating import OPTIONS, word
from mmnet_deploy.results.grouping import conditions
from mmnet_deploy.results.records import Benchmark, Evaluation, PictureScore
from mmnet_deploy.results.store import StoredResults
from tests.support import report_results as made

ALL_OTHER = RunRules(3, 0.25, 77, 12.345678901, 123.456, 90, 3.5, 1234.5)


def reading(*records: Benchmark | Evaluation) -> StoredResults:
    return StoredResults(tuple(records), tuple(f"{n}.json" for n in range(len(records))), ())


def bench_command(*results: Benchmark) -> str:
    (device,) = sections.build(reading(*results)).devices
    (way,) = device.ways
    return way.command


def command_named(name: str) -> click.Command:
    """A command of the command line, with its options."""
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def parsed(command: str) -> dict:
    """The options of a command, as click understands them."""
    words = shlex.split(command)
    assert words[0] == "mmnet-deploy"
    found = command_named(words[1])
    return found.make_context(words[1], words[2:]).params


def rules_of_command(command: str) -> RunRules:
    return rules_of_params(parsed(command))


def rules_of_params(params) -> RunRules:
    numbers = {rule.name: params[rule.name] for rule in RULES}
    return rules_of(params["preset"] or "default", params["percentile"], **numbers)


# Numbers as people and other programs give them, within what the options take.
seconds = st.floats(0, 3600) | st.integers(0, 3600).map(float)
rules = st.builds(
    RunRules,
    warmup_min_runs=st.integers(0, 1000),
    warmup_min_s=seconds,
    min_runs=st.integers(1, 10**6),
    min_duration_s=seconds,
    max_duration_s=st.floats(0.001, 7200),
    percentile=st.sampled_from([50, 90]),
    rest_margin_c=st.none() | st.floats(0, 100),
    rest_max_s=seconds,
)


def test_every_rule_has_an_option():
    """A rule that is added later cannot be forgotten."""
    assert OPTIONS.keys() == {field.name for field in dataclasses.fields(RunRules)}
    options = {name for param in command_named("bench").params for name in param.opts}
    assert set(OPTIONS.values()) <= options


@settings(max_examples=60, deadline=None)
@given(rules | st.sampled_from([*PRESETS.values(), ALL_OTHER]))
def test_the_command_has_the_rules(wanted):
    """All of them, to the last digit; on this computer without rests, which it does not make."""
    result = made.benchmark(made.model(), 5000, rules=wanted)
    assert rules_of_command(bench_command(result)) == wanted
    host = dataclasses.replace(made.HOST, serial="host")
    at_home = dataclasses.replace(result, device=host, rules=without_rests(wanted))
    assert without_rests(rules_of_command(bench_command(at_home))) == without_rests(wanted)


def test_the_command_has_every_condition():
    """Of a record whose conditions are all others than the default ones."""
    engine = Engine("benchmark_model", "tf2.20", "none", "gpu", 60, 0, 0, "f" * 64)
    device = dataclasses.replace(made.PHONE, serial="adb-1A2B (2)._adb-tls-connect._tcp")
    file = made.model(name="my net (final) 'a'.tflite")
    other = made.model(name="-rf; $(x).tflite")
    fields = {
        "device": device, "engine": engine, "threads": 3, "cores": (0, 1),
        "cores_wanted": "little", "rules": ALL_OTHER, "profiling": True,
    }  # fmt: skip
    results = [
        made.benchmark(f, 5000, number, **fields) for number, f in enumerate((file, file, other))
    ]
    command = bench_command(*results)
    params = parsed(command)
    held = conditions(results[0])
    assert [str(model) for model in params["models"]] == [file.name, "-rf; $(x).tflite"]
    assert shlex.split(command)[3] == "./-rf; $(x).tflite"
    assert params["device"] == (held["serial"],)
    assert params["threads"] == str(held["threads"])
    assert params["delegate"] == held["requested delegate"]
    assert params["cores"] == held["requested cores"]
    assert params["profile"] and params["repeats"] == 2
    assert params["engine_binary"].name == "benchmark_model"
    assert rules_of_params(params) == held["rule details"]


@pytest.mark.parametrize(
    ("engine", "serial", "words"),
    [
        (
            Engine("benchmark_model", "litert", "gpu", release="2.3.0"),
            "a",
            "--engine-version 2.3.0",
        ),
        (Engine("benchmark_model", "litert", "gpu"), "a", "--engine-binary benchmark_model"),
        (Engine("tflbench", "1", "xnnpack"), "a", "--engine-binary tflbench"),
        (Engine("tflbench", "1", "xnnpack"), "emulated", ""),
    ],
)
def test_the_command_has_the_engine(engine, serial, words):
    """By its release where that is known; the emulated phone's own is not named."""
    device = dataclasses.replace(made.PHONE, serial=serial)
    command = bench_command(made.benchmark(made.model(), 5000, engine=engine, device=device))
    assert words in command and ("--engine" in command) == bool(words)
    params = parsed(command)
    assert params["engine_version"] == (engine.release or None)


def test_the_command_has_the_precision_and_the_flags_of_the_engine():
    """In their order."""
    result = dataclasses.replace(
        made.benchmark(made.model(), 5000),
        delegate_precision="fp16",
        engine_flags=("gpu_backend=cl", "a=b c"),
    )
    params = parsed(bench_command(result))
    assert params["delegate_precision"] == "fp16"
    assert params["engine_flag"] == ("gpu_backend=cl", "a=b c")


def test_a_preset_is_called_by_its_name():
    """And nothing more is said; what it lacks is."""
    for name, preset in PRESETS.items():
        command = bench_command(made.benchmark(made.model(), 5000, rules=preset))
        assert f"--preset {name} --engine-binary" in command
    almost = dataclasses.replace(PRESETS["mlperf"], rest_max_s=0.0)
    command = bench_command(made.benchmark(made.model(), 5000, rules=almost))
    assert "--preset mlperf --rest 0 " in command


def test_settings_that_differ_are_commands_of_their_own():
    """Profiled and plain, two percentiles, two rests."""
    file = made.model()
    plain = made.benchmark(file, 5000)
    others = [
        dataclasses.replace(plain, profiling=True),
        dataclasses.replace(plain, rules=dataclasses.replace(plain.rules, percentile=90)),
        dataclasses.replace(plain, rules=dataclasses.replace(plain.rules, rest_max_s=0.0)),
    ]
    (device,) = sections.build(reading(plain, *others)).devices
    assert len({way.command for way in device.ways}) == 4


def test_all_files_of_many_are_named():
    """A pattern would measure others too."""
    results = [made.benchmark(made.model(name=f"{n}.tflite"), 5000) for n in range(30)]
    models = parsed(bench_command(*results))["models"]
    assert [model.name for model in models] == [f"{n}.tflite" for n in range(30)]


def test_the_page_has_the_command_as_it_is():
    """Two spaces in a name stay two, and a long command is not cut."""
    files = [made.model(name=f"a  net of   spaces {n}.tflite") for n in range(60)]
    page = report.render(reading(*(made.benchmark(file, 5000) for file in files)))
    assert "a  net of   spaces 59.tflite" in page.replace("&#39;", "'")
    assert "…" not in page[page.index("mmnet-deploy bench") : page.index("-o results")]


# What a file's name may hold: text, and bytes that are no text.
name_characters = st.characters(
    exclude_characters="\0", exclude_categories=["Cs"]
) | st.sampled_from([chr(0xDC00 + byte) for byte in range(128, 256)])


@given(st.text(name_characters, min_size=1, max_size=8))
def test_a_word_is_one_word_of_the_same_text(text):
    """Printable ones by shlex; a shell tells of the others."""
    assert word(text).isprintable()
    if text.isprintable():
        assert shlex.split(word(text)) == [text]


@pytest.mark.parametrize("text", ["=1+1.tflite", "=ls", "="])
def test_zsh_looks_up_no_program(text):
    """It takes an open word that begins with = for the path of a program."""
    assert word(text) == f"'{text}'"


@pytest.mark.parametrize("text", ["a\nb", "\x1b]0;x\x07'\\", "\u202egnp.exe", "\udcff.tflite"])
def test_a_shell_reads_what_cannot_be_printed(text):
    """Line feeds, escape sequences, turned text and bytes that are no text."""
    done = subprocess.run(
        ["bash", "-c", f"printf %s {word(text)}"], capture_output=True, check=True
    )
    assert done.stdout == text.encode("utf-8", "surrogateescape")


# --- Evaluations ---------------------------------------------------------------


def test_evaluations_are_repeated_with_all_that_they_were_told():
    """Data, split, size, metrics, and what the model's ends and the masks mean."""
    file = made.model(name="a net.tflite")
    told = ("--input-range", "-1", "1", "--mask-values", "0+255,15")
    scores = {"gradient_error": 0.004, "mad": 0.02, "connectivity": 1.0}
    result = made.evaluation(
        file, 0.004, data="my portraits", split="val", height_px=None, width_px=None,
        options=told, pictures=(PictureScore("a", scores),),
    )  # fmt: skip
    (command,) = sections.build(reading(result)).evaluation_commands
    params = parsed(command)
    assert [model.name for model in params["models"]] == ["a net.tflite"]
    assert (str(params["data"]), params["split"]) == ("my portraits", "val")
    assert params["eval_size"] == "native" and params["metric"] == tuple(scores)
    assert (params["input_range"], params["mask_values"]) == ((-1, 1), "0+255,15")


def test_the_usual_metrics_are_not_named():
    """They are computed in any case."""
    names = ("gradient_error", "mad", "sad", "mse", "mean_iou")
    pictures = (PictureScore("a", dict.fromkeys(names, 0.5)),)
    result = made.evaluation(made.model(), 0.004, pictures=pictures)
    (command,) = sections.build(reading(result)).evaluation_commands
    assert "--metric" not in command and "--eval-size 800x600" in command
