"""Results of models as values: several at once, those that fail, in memory and on disk."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

import mmnet_deploy
from mmnet_deploy import errors
from mmnet_deploy.api.faults import Faults, device_errors, of_package
from mmnet_deploy.charts import style


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, tiny_models):
    """A file that is cut off."""
    path = tmp_path_factory.mktemp("damaged") / "cut.tflite"
    path.write_bytes(tiny_models["int8"].read_bytes()[:2000])
    return path


@pytest.fixture(scope="module")
def evaluations(tiny_models, portraits):
    """Of two files."""
    models = [tiny_models["float32"], str(tiny_models["int8"])]
    return mmnet_deploy.evaluate(models, portraits, eval_size=(48, 48))


@pytest.fixture(scope="module")
def benchmarks(tiny_models):
    """Of the same files with one and two threads on this computer."""
    models = [tiny_models["float32"], tiny_models["int8"]]
    return mmnet_deploy.bench(
        models, device="host", delegate=["xnnpack", "none"], preset="quick", min_duration=0.01
    )


def test_each_model_and_setting_has_a_result(evaluations, benchmarks):
    """In the order of the models, or that of the measurements; nothing is stored."""
    assert [it.model.card.precision for it in evaluations] == ["float32", "int8"]
    assert {it.height_px for it in evaluations} == {48}
    found = {(it.model.card.precision, it.engine.delegate) for it in benchmarks}
    assert found == {(p, d) for p in ("float32", "int8") for d in ("xnnpack", "none")}


def test_evaluations_in_several_threads_are_as_one_after_the_other(
    evaluations, tiny_models, portraits
):
    """OpenCV has its threads again after the last of them."""
    threads = cv2.getNumThreads()

    def evaluated(precision):
        (result,) = mmnet_deploy.evaluate(tiny_models[precision], portraits, eval_size=(48, 48))
        return result.pictures

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(evaluated, ["float32", "int8"] * 2))
    assert found == [it.pictures for it in evaluations] * 2
    assert cv2.getNumThreads() == threads


def test_results_in_memory_are_tables_and_charts(evaluations, benchmarks, tmp_path):
    """As those on disk are, also mixed with them and alone."""
    table = mmnet_deploy.load_results([*evaluations, *benchmarks])
    assert list(table["kind"]) == ["evaluation"] * 2 + ["benchmark"] * 4
    assert len(mmnet_deploy.load_results(evaluations[0])) == 1
    assert len(mmnet_deploy.load_results(benchmarks, model="int8")) == 2
    figure = mmnet_deploy.plot([*evaluations, *benchmarks], tmp_path / "new" / "a.svg")
    assert (tmp_path / "new" / "a.svg").read_bytes().startswith(b"<?xml")
    picture, shown = figure._repr_png_()
    assert picture.startswith(b"\x89PNG") and shown["width"] > 400
    assert isinstance(figure, style.Figure)


def test_a_model_that_cannot_be_used_is_an_error_before_the_work(damaged, tiny_models, portraits):
    """The first of several is raised; with `on_error`, it is told and the others go on."""
    models = [tiny_models["float32"], damaged]
    told, results = [], []
    for function, options in (
        (mmnet_deploy.evaluate, {"data": portraits, "eval_size": "48x48"}),
        (mmnet_deploy.bench, {"device": "host", "preset": "quick", "min_duration": 0.01}),
    ):
        with pytest.raises(errors.ModelFileError, match="cut"):
            function(models, **options)
        results += function(models, **options, on_error=lambda *fault: told.append(fault))
    assert [it.model.name for it in results] == [tiny_models["float32"].name] * 2
    assert [name for name, _ in told] == ["cut.tflite"] * 2
    assert all(isinstance(error, errors.ModelFileError) for _, error in told)
    with pytest.raises(errors.ModelFileError):
        mmnet_deploy.evaluate(damaged, portraits, on_error=lambda *fault: None)


def test_runs_that_fail_are_an_error_with_the_results_of_the_others(tiny_models):
    """None is lost, and none is missing in silence."""
    with pytest.raises(errors.IncompleteError, match=r"gpu.* on host.*Received: gpu") as caught:
        mmnet_deploy.bench(
            tiny_models["int8"], device="host", delegate="xnnpack,gpu", preset="quick"
        )
    assert [it.engine.delegate for it in caught.value.results] == ["xnnpack"]
    ((name, error),) = caught.value.faults
    assert "gpu" in name and isinstance(error, errors.DeviceError)


def test_faults_of_several_are_one_line():
    """Of none, nothing is raised."""
    faults = Faults()
    faults.raise_any([1])
    faults.note("a.tflite", ValueError("two\n  lines"))
    faults.note("b.tflite", KeyError("x"))
    with pytest.raises(errors.IncompleteError) as caught:
        faults.raise_any([1])
    assert str(caught.value) == "No result of a.tflite: two lines; b.tflite: 'x'"
    assert caught.value.results == [1]


def test_errors_of_the_harness_are_errors_of_the_package():
    """With the harness's own as the cause; others pass."""
    from android_benchmark.errors import DeviceChoiceError, NoSpaceError

    with pytest.raises(errors.DeviceError, match="full") as caught, device_errors():
        raise NoSpaceError("The phone is full.")
    assert isinstance(caught.value.__cause__, NoSpaceError) and caught.value.exit_code == 1
    assert of_package(DeviceChoiceError("none")).exit_code == 2
    other = OSError()
    assert of_package(other) is other


@pytest.mark.parametrize(
    ("name", "arguments", "options", "error", "word"),
    [
        ("bench", ("a.tflite",), {"device": "host", "min_runs": 1.5}, "Usage", "whole number"),
        ("bench", ("a.tflite",), {"device": "host", "percentile": 95}, "Usage", "50 or 90"),
        ("bench", ("a.tflite",), {"device": "host", "preset": "fast"}, "Usage", "mlperf"),
        ("bench", ("a.tflite",), {"device": "host", "threads": []}, "Usage", "none"),
        ("bench", ("a.tflite",), {"device": "host", "resume": True}, "Usage", "--out"),
        ("bench", ("a.tflite",), {"device": "host", "patience": -1}, "Usage", "--patience"),
        ("bench", (), {}, "Usage", "at least one"),
        ("bench", ("a.tflite",), {"device": "host"}, "ModelFile", "a.tflite"),
        ("cost", ([],), {}, "Usage", "at least one"),
        ("cost", ("a.tflite",), {"cpu": "z80"}, "Usage", "cortex-a57"),
        ("cost", ("a.tflite",), {"delegate": "gpu"}, "Usage", "xnnpack"),
        ("cost", ("a.tflite",), {}, "ModelFile", "a.tflite"),
        ("evaluate", ([], "p"), {}, "Usage", "at least one"),
        ("evaluate", ("a.tflite", "p"), {"metric": "x"}, "Usage", "gradient_error"),
        ("evaluate", ("a.tflite", "p"), {"eval_size": (1, 2)}, "Usage", "1x2"),
        ("evaluate", ("a.tflite", "p"), {"save_kind": "matte"}, "Usage", "--save"),
        ("evaluate", ("a.tflite", "p"), {"upsample": "cubic"}, "Usage", "guided"),
        ("convert", ("a.keras", "m"), {"precision": "int4"}, "Usage", "int8"),
        ("convert", ("a.keras", "m"), {"seed": -1}, "Usage", "seed"),
        ("convert", ("a.keras", "m"), {"max_error_increase": "two"}, "Usage", "2%"),
        ("load_results", ([],), {}, "Usage", "at least one"),
        ("load_results", ("p",), {"kind": "x"}, "Usage", "benchmark"),
        ("load_results", (3,), {}, "Usage", "Received: 3"),
        ("load_results", ("missing",), {}, "Result", "missing"),
        ("plot", (), {}, "Usage", "RESULTS"),
        ("plot", ("p", "chart.gif"), {}, "Usage", ".svg"),
        ("plot", ("p",), {"size": "poster"}, "Usage", "column"),
        ("plot", ("p",), {"latency": "p99"}, "Usage", "median"),
    ],
)
def test_wrong_arguments_are_one_clear_error(
    name, arguments, options, error, word, tmp_path, monkeypatch
):
    """Before any work, with the rule and what was received."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(getattr(errors, f"{error}Error")) as caught:
        getattr(mmnet_deploy, name)(*arguments, **options)
    assert word in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
