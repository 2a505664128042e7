"""Commands of several models: what one of them cannot do does not take the others along."""

import json

import pytest

from mmnet_deploy.results.record_json import from_json
from tests.support.rejected import crashing, refused


@pytest.fixture
def files(tmp_path, tiny_models):
    """A sound file, one that ends the runtime, one that only XNNPACK refuses, one cut off."""
    content = tiny_models["int8"].read_bytes()
    made = {
        "sound": content,
        "crashing": crashing(content),
        "refused": refused(content),
        "cut": content[:2000],
    }
    for name, damaged in made.items():
        (tmp_path / f"{name}.tflite").write_bytes(damaged)
    return [f"{name}.tflite" for name in made]


def _errors(result):
    return [line for line in result.stderr.splitlines() if line.startswith("Error: ")]


def _stored(folder):
    return {from_json(path.read_text()).model.name for path in folder.glob("*.json")}


def test_evaluate_goes_on_after_a_crash(call, files, portraits, tmp_path):
    """One line for each file that cannot be used, results of all others, and exit code 1."""
    result = call("evaluate", *files, "none.keras", "--data", portraits, "-o", "out")
    assert result.exit_code == 1
    first, second, third = _errors(result)
    assert "crashing.tflite crashes XNNPACK of" in first
    assert "cut.tflite cannot be loaded" in second and "it is damaged" in second
    assert "no file or folder none.keras" in third
    assert "XNNPACK refuses refused.tflite: the built-in kernels compute" in result.stderr
    assert _stored(tmp_path / "out") == {"sound.tflite", "refused.tflite"}


def test_bench_goes_on_after_a_crash(call, files, tmp_path):
    """The same where this computer measures; what XNNPACK refuses names the other delegate."""
    result = call("bench", *files, "--device", "host", "--preset", "quick", "-o", "out")
    assert result.exit_code == 1
    first, second = _errors(result)
    assert "crashing.tflite crashes XNNPACK of" in first
    assert "cut.tflite" in second
    assert "XNNPACK cannot run refused.tflite" in result.stderr
    assert "the built-in kernels can, with `--delegate none`" in result.stderr
    assert _stored(tmp_path / "out") == {"sound.tflite"}


def test_bench_loads_with_the_delegate_that_was_asked_for(call, tmp_path, files):
    """What only XNNPACK does not run is measured in the built-in kernels."""
    result = call(
        "bench", "crashing.tflite", "refused.tflite", "--device", "host", "--preset", "quick",
        "--delegate", "none", "-o", "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert _stored(tmp_path / "out") == {"crashing.tflite", "refused.tflite"}


def test_one_file_that_crashes_is_one_line(call, files, one_line, portraits):
    """Every command that runs a file says the same."""
    picture = next((portraits / "test" / "image").iterdir())
    for words in (
        ("inspect", "crashing.tflite"),
        ("predict", "crashing.tflite", picture, "-o", "matte.png"),
        ("evaluate", "crashing.tflite", "--data", portraits),
        ("evaluate", "sound.tflite", "crashing.tflite", "--data", portraits, "--compare"),
        ("bench", "crashing.tflite", "--device", "host", "-o", "out"),
    ):
        one_line(call(*words), 1, "crashing.tflite crashes XNNPACK", "SIG")


def test_nothing_usable_is_a_line_each(call, files, portraits):
    """Two files that cannot be used are two lines and no table."""
    result = call("evaluate", "crashing.tflite", "cut.tflite", "--data", portraits)
    assert result.exit_code == 1
    assert len(_errors(result)) == 2
    assert not result.stdout


def test_a_matte_is_computed_by_what_runs_the_file(call, files, portraits):
    """Where XNNPACK refuses a file, predict uses the built-in kernels and says so."""
    picture = next((portraits / "test" / "image").iterdir())
    result = call("predict", "refused.tflite", picture, "-o", "matte.png")
    assert result.exit_code == 0, result.output
    assert "XNNPACK refuses refused.tflite: the built-in kernels" in result.stderr


def test_the_record_says_that_xnnpack_had_no_part(call, files, portraits, tmp_path):
    """The engine of a stored evaluation names the kernels that computed it."""
    call("evaluate", "refused.tflite", "sound.tflite", "--data", portraits, "-o", "out")
    stored = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")]
    engines = {one["model"]["name"]: one["engine"] for one in stored}
    assert engines["refused.tflite"] == f"{engines['sound.tflite']}, built-in kernels"


def test_inspect_tells_a_refusal_by_xnnpack_from_damage(call, files):
    """The file's facts and a finding of its own; nothing says that it cannot be loaded."""
    content = json.loads(call("inspect", "refused.tflite", "--json").stdout)
    rules = [finding["rule"] for finding in content["findings"]]
    assert "delegate_refused" in rules
    assert "not_loaded" not in rules
    assert content["delegation"]["partitions"] == []
    assert sum(content["delegation"]["left_out"].values()) == sum(content["operators"].values())
    sound = json.loads(call("inspect", "sound.tflite", "--json").stdout)
    assert "delegate_refused" not in [finding["rule"] for finding in sound["findings"]]
