"""The command line: what a user types, reads and gets, good input and bad."""

import json
import os
import subprocess
import sys

import pytest

from mmnet_deploy.cli import COMMANDS
from tests.support.datasets import GREY, SMOOTH, write, write_pair

# --- Help --------------------------------------------------------------------


GROUPS = {
    "dataset": ("synth", "check", "stats"),
    "results": ("list", "show", "export"),
    "engines": ("list", "get", "verify", "remove"),
}


@pytest.mark.parametrize(
    "command", [*COMMANDS, *(f"{group} {name}" for group in GROUPS for name in GROUPS[group])]
)
def test_every_command_has_help_with_an_example(call, command):
    """Help says what the command does and shows how it is called."""
    result = call(*command.split(), "--help")
    assert result.exit_code == 0
    if command not in GROUPS:
        assert f"mmnet-deploy {command}" in " ".join(result.output.split())


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_a_command_shows_its_help_as_it_is(call, group):
    """And not as an error in one long line."""
    result = call(group)
    assert result.exit_code == 2
    assert result.stderr.rstrip() == call(group, "--help").stdout.rstrip()


def test_the_overview_and_the_commands_agree(call):
    """Each command's line in the overview starts like its own help."""
    overview = call("--help").output
    for name, (_, line) in COMMANDS.items():
        assert name in overview
        assert line.split(".")[0] in " ".join(overview.split())


def test_starting_imports_none_of_the_heavy_libraries():
    """`--help` loads neither TensorFlow nor anything else that takes its time."""
    script = (
        "import sys\n"
        "from mmnet_deploy.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'cv2', 'numpy', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


# --- The stages, one after the other -----------------------------------------


def test_output_survives_a_terminal_without_unicode(tiny_models):
    """On an ASCII terminal signs are replaced; nothing fails after the work is done."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-m", "mmnet_deploy", "doctor"],
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()


def test_output_that_cannot_be_written_is_one_line(
    one_line,
):
    """A full disk behind standard output is said, without a traceback."""
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "mmnet_deploy", "doctor"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "No space left" in result.stderr


def test_a_foreign_file_beside_results_costs_nothing(call, tmp_path, tiny_models):
    """A benchmark is measured, stored and looked for quality whatever else is in the folder."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "package.json").write_text("{}")
    result = call(
        "bench", tiny_models["int8"], "--device", "host", "--min-duration", 0.01, "-o", "out"
    )
    assert result.exit_code == 0
    assert "No chart" not in result.stderr
    assert "No gradient error is known" in result.stderr


def test_a_demo_takes_nothing_away_for_a_wrong_option(call, tmp_path):
    """Options are checked before an earlier demo is removed."""
    from mmnet_deploy.cli.demo import command as demo

    (tmp_path / "old" / "models").mkdir(parents=True)
    (tmp_path / "old" / demo.MARK).write_text(demo.ABOUT)
    for words in (("--count", -1), ("--epochs", 0), ("--threads", 99), ("--input-size", 100)):
        assert call("demo", "-o", "old", *words).exit_code == 2
        assert (tmp_path / "old" / "models").is_dir()


def test_every_stage_runs_on_the_users_data(call, portraits, tiny_run):
    """check, stats, train, convert, evaluate, bench and plot work as in the README."""
    assert call("dataset", "check", portraits).exit_code == 0
    stats = json.loads(call("dataset", "stats", portraits, "--json").stdout)
    assert stats["train"]["pairs"] == 16
    assert "16" in call("dataset", "stats", portraits).stdout

    trained = call(
        "train", "tiny", "--input-size", 32, "--data", portraits, "--out", "run",
        "--epochs", 2, "--steps-per-epoch", 2, "--batch-size", 4, "--seed", 5,
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "Trained 2 epochs into run" in trained.stderr

    converted = call(
        "convert", "run", "--precision", "float32", "--precision", "float16",
        "--precision", "int8", "--representative", portraits, "-o", "models",
    )  # fmt: skip
    assert converted.exit_code == 0, converted.output
    models = sorted(call_path := os.listdir("models"))
    assert models == [f"tiny-1.0-32-{p}.tflite" for p in ("float16", "float32", "int8")], call_path

    files = [f"models/{name}" for name in models]
    evaluated = call("evaluate", *files, "--data", portraits, "-o", "results")
    assert evaluated.exit_code == 0, evaluated.output
    benched = call(
        "bench", *files, "--device", "host", "--threads", 1, "--min-duration", 0.01, "-o", "results"
    )
    assert benched.exit_code == 0, benched.output
    assert os.path.getsize("results/pareto.svg") > 1000
    assert os.path.getsize("results/pareto.png") > 1000

    for name in ("chart.svg", "deep/chart.png", "chart.pdf"):
        assert call("plot", "results", "-o", name).exit_code == 0
        assert os.path.getsize(name) > 1000


def test_evaluate_prints_plain_numbers_as_json(call, portraits, tiny_run, tiny_models):
    """Standard output is JSON and nothing else, for a run and for a file alike."""
    scores = []
    for path in (tiny_run, tiny_models["float32"]):
        result = call("evaluate", path, "--data", portraits, "--split", "test", "--json")
        assert result.exit_code == 0, result.output
        content = json.loads(result.stdout)
        assert 0 < content["gradient_error"] < 0.2
        assert 0 < content["mad"] < 1
        assert 0 < content["mean_iou"] <= 1
        assert len(content["pictures"]) == 4
        scores.append(content["gradient_error"])
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


def test_resume_takes_the_same_command(one_line, call, portraits):
    """The command is repeated with --resume, and may ask for more epochs only."""
    command = (
        "train", "tiny", "--input-size", 32, "--data", portraits, "--out", "run",
        "--steps-per-epoch", 1, "--batch-size", 2,
    )  # fmt: skip
    assert call(*command, "--epochs", 1).exit_code == 0
    one_line(call(*command, "--epochs", 1), 1, "already holds a run", "--resume")
    assert call(*command, "--epochs", 2, "--resume").exit_code == 0
    one_line(call(*command, "--epochs", 1, "--resume"), 2, "`epochs` must be at least 2")
    one_line(call(*command, "--seed", 9, "--resume"), 2, "`seed` 0", "Received: 9")
    one_line(
        call("train", "tiny", "--data", portraits, "--out", "empty", "--resume"),
        2,
        "`--resume` goes on with a run, and empty holds none",
    )


def test_the_demo_refuses_a_folder_that_is_not_its_own(one_line, call, tmp_path):
    """A folder with other files in it is left alone."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    one_line(call("demo", "-o", "mine"), 1, "not empty")
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


# --- Bad input ---------------------------------------------------------------


def test_check_lists_all_problems_at_once(call, tmp_path, portraits):
    """Every kind of problem is listed, each with its file, and the exit code is 1."""
    image, mask = tmp_path / "d" / "train" / "image", tmp_path / "d" / "train" / "mask"
    picture = next((portraits / "train" / "image").iterdir()).read_bytes()
    for name in ("good", "lonely", "text", "cut", "none", "small", "empty", "red"):
        write_pair(tmp_path / "d", name, image=".png")
    (mask / "lonely.png").unlink()
    (image / "text.png").write_text("not a picture")
    (image / "cut.png").write_bytes(picture[: len(picture) // 2])
    (image / "none.png").write_bytes(b"")
    write(mask / "small.png", GREY[:10])
    write(mask / "empty.png", GREY * 0)
    write(mask / "red.png", SMOOTH)
    result = call("dataset", "check", "d")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 7
    for name in ("lonely", "text", "cut", "none", "small", "empty", "red"):
        assert sum(f"{name}.png" in line for line in lines) == 1, result.stdout
    assert "7 problems" in result.stderr


def test_a_fault_of_the_system_names_its_file(one_line, call, tiny_models):
    """Such as a name that no file can have."""
    name = "n" * 300
    one_line(call("predict", str(tiny_models["float32"]), name), 1, f"{name}: File name too long")


def test_missing_data_is_one_line(one_line, call, tmp_path, portraits, tiny_models):
    """No folder, an empty folder, and a folder without the split are told apart."""
    (tmp_path / "empty").mkdir()
    model = tiny_models["float32"]
    for command in (
        ("dataset", "check", "{}"),
        ("dataset", "stats", "{}"),
        ("evaluate", model, "--data", "{}"),
        ("train", "tiny", "--data", "{}", "--out", "run"),
    ):
        words = [str(word) for word in command]
        nowhere = [word.replace("{}", "nowhere") for word in words]
        one_line(call(*nowhere), 1, "no folder nowhere")
        one_line(call(*[word.replace("{}", "empty") for word in words]), 1, "holds no data set")
    one_line(
        call("evaluate", model, "--data", portraits, "--split", "val"),
        1,
        "no split 'val'",
        "test, train",
    )
    assert sorted(os.listdir(tmp_path)) == ["empty"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--width-multiplier", "0.6"), "`width_multiplier` must be one of 0.5, 0.75, 1.0, 1.4."),
        (("--input-size", "100"), "`input_size` must be a positive multiple of 16."),
        (("--epochs", "0"), "`epochs` must be 1 … 1000000."),
        (("--batch-size", "0"), "`batch_size` must be 1 … 4096."),
        (("--validation-share", "nan"), "`validation_share` must be above 0 and below 1."),
        (("--seed", "-1"), "`seed` must be 0 … 4294967295."),
    ],
)
def test_impossible_training_settings_are_one_line(
    one_line, call, tmp_path, portraits, words, message
):
    """The rule and what was received are said, and nothing is left behind."""
    result = call("train", "mmnet", "--data", portraits, "--out", "run", *words)
    one_line(result, 2, message, f"Received: {words[1]}")
    assert not os.listdir(tmp_path)


def test_bad_model_files_are_one_line(one_line, call, tmp_path, portraits, tiny_models):
    """A missing, a text, a truncated and a foreign model each say what they are."""
    content = tiny_models["float32"].read_bytes()
    (tmp_path / "text.tflite").write_text("hello, I am no model")
    (tmp_path / "cut.tflite").write_bytes(content[: len(content) // 2])
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "bad.keras").write_text("hello")
    for name, words in (
        ("none.tflite", "Cannot read the model none.tflite"),
        ("text.tflite", "not a TFLite model"),
        ("cut.tflite", "cut.tflite cannot be loaded"),
    ):
        one_line(call("bench", name, "-o", "out"), 1, words)
        one_line(call("evaluate", name, "--data", portraits), 1, words)
    one_line(call("evaluate", "notes.txt", "--data", portraits), 1, "neither a run folder")
    one_line(call("evaluate", "bad.keras", "--data", portraits), 1, "not a .keras file")
    one_line(call("convert", "bad.keras", "-o", "out"), 1, "not a .keras file")
    one_line(call("convert", "nowhere", "-o", "out"), 1, "no file or folder nowhere")
    assert not (tmp_path / "out").exists()


def test_another_kind_of_tflite_is_not_evaluated(one_line, call, tmp_path, portraits):
    """A classifier's shapes are shown instead of a meaningless score."""
    import keras
    import tensorflow as tf

    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Dense(10)(keras.layers.Flatten()(image)))
    function = tf.function(model).get_concrete_function(tf.TensorSpec((1, 16, 16, 3)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    (tmp_path / "classifier.tflite").write_bytes(converter.convert())
    result = call("evaluate", "classifier.tflite", "--data", portraits)
    one_line(result, 1, "not a matting network", "(1, 16, 16, 3) to (1, 10)")


def test_a_folder_that_cannot_be_written_is_one_line(
    one_line, call, tmp_path, portraits, tiny_run, tiny_models
):
    """A file where a folder should be is said before any long work."""
    (tmp_path / "file").write_text("mine")
    model = tiny_models["float32"]
    for command in (
        ("dataset", "synth", "file/x", "--count", 2),
        ("train", "tiny", "--input-size", 32, "--data", portraits, "--out", "file"),
        ("convert", tiny_run, "-o", "file"),
        ("evaluate", model, "--data", portraits, "-o", "file"),
        ("bench", model, "--device", "host", "-o", "file"),
        ("demo", "-o", "file"),
    ):
        one_line(call(*command), 1, "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_bad_results_are_one_line(one_line, call, tmp_path, portraits, tiny_models):
    """Results that are missing, damaged, or cannot be joined are explained."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.json").write_text('{"kind": 3}')
    one_line(call("plot", "empty", "-o", "a.svg"), 1, "No results in empty")
    one_line(call("plot", "nowhere", "-o", "a.svg"), 1, "nowhere")
    one_line(call("plot", "bad", "-o", "a.svg"), 1, "x.json", "not a result")
    bench = call(
        "bench", tiny_models["int8"], "--device", "host", "--min-duration", 0.01, "-o", "latency"
    )
    assert "No gradient error is known for" in bench.stderr
    result = call("plot", "latency", "-o", "a.svg")
    one_line(result, 1, "no model has both")
    one_line(call("plot", "latency", "-o", "a.jpg"), 2, ".svg, .png or .pdf")
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--delegate", "tpu"), "Received: tpu"),
        (("--repeats", "0"), "Received: 0"),
        (("--threads", "1,x"), "Received: 1,x"),
        (("--timeout", "0"), "Received: 0"),
        (("--threads", "0"), "`--threads`"),
        (("--threads", "99"), "`--threads`"),
        (("--min-runs", "0"), "`--min-runs`"),
        (("--min-duration", "nan"), "`--min-duration`"),
        (("--min-duration", "inf"), "`--min-duration`"),
        (("--max-duration", "0"), "`--max-duration`"),
        (("--rest-margin", "-1"), "`--rest-margin`"),
    ],
)
def test_impossible_benchmark_settings_are_one_line(
    one_line, call, tmp_path, tiny_models, words, message
):
    """Device, threads and runs are checked before anything is measured."""
    result = call("bench", tiny_models["int8"], "--device", "host", "-o", "out", *words)
    one_line(result, 2, message)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("size", ["800", "0x600", "axb", "8x8", "²²x²²", "100000x100000"])
def test_an_impossible_evaluation_size_is_one_line(one_line, call, portraits, tiny_models, size):
    """The form of the size is explained."""
    result = call("evaluate", tiny_models["int8"], "--data", portraits, "--eval-size", size)
    one_line(result, 2, "HEIGHTxWIDTH", f"Received: {size}")


def test_without_tensorflow_the_pip_command_is_shown(one_line, call, monkeypatch, portraits):
    """A base installation says what train and convert need."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else real(name)
    )
    for command in (
        ("train", "tiny", "--data", portraits, "--out", "run"),
        ("convert", "run", "-o", "models"),
        ("demo",),
    ):
        one_line(call(*command), 1, "needs tensorflow", "pip install 'mmnet-deploy[convert]'")
