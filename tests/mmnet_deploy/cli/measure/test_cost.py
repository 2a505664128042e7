"""`mmnet-deploy cost`: what it prints and stores, and how it fails."""

import json
import re

import pytest

from android_benchmark.cost import CPUS
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.results import estimate, store
from mmnet_deploy.results.record_json import to_json
from mmnet_deploy.tflite.half_precision import HALF, with_entry
from tests.support import counting
from tests.support.results import PAIRS, counted, fitted, measured


@pytest.fixture
def built():
    """The command finds the engine and the counter that the tests built."""
    counting.require_programs()
    counting.bundle()
    counting.counter()


def test_counts_are_printed_and_stored(call, built, tiny_models, tmp_path):
    """A table with a row per model, its record in the folder, and why there is no estimate."""
    models = [tiny_models["float32"], tiny_models["int8"]]
    result = call("cost", *models, "--jobs", 1, "-o", "results", "--operators")
    assert result.exit_code == 0, result.output
    records = store.load([tmp_path / "results"])
    assert [record.model.name for record in records] == [model.name for model in models]
    for record in records:
        assert f"{record.counts.total / 1e6:.3f}" in result.stdout
        assert record.operators[0].name in result.stdout
    title = "cortex-a57 as MSM8996 (ARMv8.0, the Snapdragon 820 of 2016), 1 thread, xnnpack"
    assert title in result.stdout
    assert "beyond the fitted range" in result.stderr and "not int8" in result.stderr
    assert "A count is not a latency" in result.stderr
    again = call("cost", *models, models[0], "-o", "results")
    assert again.stdout.count(models[0].name) == 1  # named twice, counted once
    assert again.exit_code == 0 and len(list((tmp_path / "results").iterdir())) == 2


def test_cores_have_tables_of_their_own(call, built, tiny_models, tmp_path):
    """Several cores are counted at once; each table says what its core can do and computes in."""
    half = tmp_path / "half.tflite"
    half.write_bytes(with_entry(tiny_models["float16"].read_bytes(), HALF))
    result = call("cost", half, "--cpu", "cortex-a57, cortex-a76", "-o", "results")
    assert result.exit_code == 0, result.output
    old, new = result.stdout.split("cortex-a76 (ARMv8.2 with fp16 and dot products)")
    assert "float32" in old and "float16" not in old
    assert "float16" in new and "float32" not in new
    assert (
        "computes in float32 on cortex-a57: XNNPACK has no fp16 arithmetic on these cores."
        in result.stderr
    )
    assert "eight values in float16" in result.stderr
    records = store.load([tmp_path / "results"])
    told = {record.cpu: (record.cpu_title, record.computes_in) for record in records}
    assert told["cortex-a76"] == ("ARMv8.2 with fp16 and dot products", "float16")
    assert told["cortex-a57"][1] == "float32"
    again = call("cost", half, "--cpu", "cortex-a57", "--cpu", "cortex-a76", "-o", "results")
    assert again.stdout == result.stdout


def test_files_of_one_name_have_their_hashes_beside_it(call, built, tiny_models, tmp_path):
    """They may be a file before and after it was converted again."""
    for folder, precision in (("a", "float32"), ("b", "int8")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.tflite").write_bytes(tiny_models[precision].read_bytes())
    result = call("cost", "a/net.tflite", "b/net.tflite")
    assert result.exit_code == 0, result.output
    assert len(set(re.findall(r"net\.tflite \([0-9a-f]{8}\)", result.stdout))) == 2


def test_help_lists_the_cores(call):
    """Every core stands in the help with what it can do and where it is."""
    words = " ".join(call("cost", "--help").stdout.split())
    for name, core in CPUS.items():
        assert f"{name} {core.title} {core.phones}" in words


def test_json_holds_record_and_estimate(call, built, tiny_models, tmp_path):
    """JSON is the stored record with the estimate of the chosen profile."""
    own = estimate.fit(
        [cost.measure(tiny_models["float32"], cost.find_tools())] * 3, [1.0, 1.1, 1.2], "Own", "x"
    )
    estimate.save_profile(own, tmp_path / "own.toml")
    result = call("cost", tiny_models["float32"], "--profile", "own.toml", "--json")
    (found,) = json.loads(result.stdout)
    assert found["kind"] == "cost" and found["counts"]["fma"] > 0
    assert found["estimate"]["profile"] == "Own"
    assert found["estimate"]["latency_ms"] == pytest.approx((1.0 * 1.1 * 1.2) ** (1 / 3), rel=1e-4)
    shown = call("cost", tiny_models["float32"], "--profile", "own.toml")
    assert "Estimated for Own from 3 points" in shown.stderr and "1.1 (" in shown.stdout


def test_one_model_that_fails_leaves_the_others(call, built, tiny_models, monkeypatch):
    """A model that cannot be counted is one line, and the exit code 1; the rest is printed."""
    measure = cost.measure

    def some(model, *arguments, **options):
        if model == tiny_models["int8"]:
            options["timeout_s"] = 0.001
        return measure(model, *arguments, **options)

    monkeypatch.setattr(cost, "measure", some)
    result = call("cost", tiny_models["int8"], tiny_models["float32"])
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert tiny_models["int8"].name in line and "did not end within" in line
    assert tiny_models["float32"].name in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, ("MODEL.tflite", "Received: none")),
        (("--fit",), 2, ("DIR of results",)),
        (("none.tflite",), 1, ("none.tflite", "No such file")),
        (("text.tflite",), 1, ("text.tflite is not a TFLite model",)),
        (("MODEL", "--jobs", "0"), 2, ("`--jobs` must be 1",)),
        (("MODEL", "--timeout", "0"), 2, ("`--timeout` must be above 0",)),
        (("MODEL", "--cpu", "pixel"), 2, ("`--cpu` must be of cortex-a57", "Received: pixel")),
        (("MODEL", "--cpu", "cortex-a57,"), 2, ("Received: nothing",)),
        (
            ("MODEL", "--fit", "-o", "p.toml", "--cpu", "max,cortex-a57"),
            2,
            ("of one core", "max,cortex-a57"),
        ),
        (("MODEL", "--profile", "pixel"), 2, ("snapdragon-820", "Received: pixel")),
        (
            ("MODEL", "--profile", "lacking.toml"),
            1,
            ("lacking.toml", "`slope_ms_per_million`"),
        ),
        (("MODEL", "--profile", "negative.toml"), 1, ("`slope_ms_per_million` must be above 0",)),
        (("MODEL", "--name", "x"), 2, ("`--name` needs `--fit`",)),
        (("MODEL",), 1, ("qemu-user", "mmnet-deploy engines build counter")),
        (("MODEL", "--fit"), 2, ("`-o FILE.toml`",)),
        (("text.tflite", "--fit", "-o", "p.toml"), 1, ("text.tflite: is not a result",)),
    ],
)
def test_bad_input_is_one_line(
    call, one_line, tiny_models, tmp_path, monkeypatch, words, code, told
):
    """What cannot be counted or fitted is one line that says what to do."""
    (tmp_path / "text.tflite").write_text("not a model")
    text = estimate.save_profile(fitted(PAIRS), tmp_path / "whole.toml").read_text()
    (tmp_path / "lacking.toml").write_text(text.replace("slope_", "steep_"))
    (tmp_path / "negative.toml").write_text(text.replace("per_million = ", "per_million = -"))
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    model = str(tiny_models["float32"])
    result = call("cost", *(model if word == "MODEL" else word for word in words))
    one_line(result, code, *told)


def test_a_profile_is_made_of_stored_results(call, tmp_path):
    """`--fit` turns benchmarks and counts of a folder into a profile, and says how good it is."""
    costs = [counted(millions, f"net{number}") for number, (millions, _) in enumerate(PAIRS)]
    benchmarks = [measured(one, ms) for one, (_, ms) in zip(costs, PAIRS, strict=True)]
    folder = tmp_path / "results"
    folder.mkdir()
    for number, record in enumerate([*costs, *benchmarks]):
        (folder / f"{number}.json").write_text(to_json(record))
    result = call("cost", "--fit", folder, "-o", "new/my-phone.toml", "--name", "My phone")
    assert result.exit_code == 0, result.output
    assert "My phone: 0.6462 ms per million instructions, from 4 models" in result.stdout
    profile = estimate.load_profile(tmp_path / "new/my-phone.toml")
    assert (profile.name, profile.points) == ("My phone", 4)
    assert profile.slope_ms_per_million == fitted(PAIRS).slope_ms_per_million
