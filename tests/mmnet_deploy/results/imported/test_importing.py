"""From files of other tools to stored results."""

import dataclasses
import hashlib
import json
import os

import pytest

from android_benchmark import DeviceFacts
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.results import imported, store, trade_offs
from mmnet_deploy.results.imported import finding
from tests.support import FIXTURES, results
from tests.support.foreign_results import (
    IMPORTED,
    litert_json,
    result_proto,
    runtime_info,
    tflite_file,
)

PIXEL = DeviceFacts("", "Pixel 8", "Tensor G3", 0, "Android 15")
LITERT_LOG = (FIXTURES / "benchmark_model" / "litert2_profile.txt").read_text(encoding="utf-8")
LOG_SIZE = 3277740


@pytest.fixture
def model(tmp_path):
    return tflite_file(tmp_path / "models" / "net.tflite")


def found(*files):
    """The runs of files, the lines that refuse, and those that note."""
    refused, notes = [], []
    return imported.find(files, refused.append, notes.append), refused, notes


def given(*models, **options):
    return imported.Given(PIXEL, imported.given_models([str(one) for one in models]), **options)


def one(file, *models, **options):
    (run,), refused, _ = found(file)
    assert not refused
    return imported.benchmark(run, given(*models, **options))


def written(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_result_is_of_the_model_file_and_the_device(tmp_path, model):
    """So it joins the file's evaluation in the chart."""
    result = one(written(tmp_path, "a.json", litert_json()), model)
    assert result.model.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (result.device, result.threads) == (PIXEL, 1)
    assert result.imported_from.form == "litert-benchmark JSON"
    joined = trade_offs.join([result, results.evaluation(result.model)])
    (point,) = joined.points
    assert point.latency_ms == pytest.approx(1.52) and "measured elsewhere" in point.device


def test_files_are_matched_to_models_by_name(tmp_path):
    """Whatever the folders are called, on Windows too."""
    models = [tflite_file(tmp_path / "m" / f"{name}.tflite", 900 + len(name)) for name in "ab"]
    for path in ("a.tflite", "/data/local/tmp/a.tflite", "C:\\models\\a.tflite"):
        result = one(written(tmp_path, "r.json", litert_json(path)), *models)
        assert result.model.name == "a.tflite"


def test_another_name_has_to_be_said(tmp_path, model):
    """A cloud may rename the file; that is not guessed."""
    file = written(tmp_path, "a.json", litert_json("/tmp/x.tflite"))
    with pytest.raises(ResultError, match=r"give --model x\.tflite=FILE\.tflite"):
        one(file, model)
    assert one(file, f"x.tflite={model}").model.name == "net.tflite"


def test_a_file_of_another_size_is_refused(tmp_path, model):
    """It has the name, and is not the one that was measured."""
    file = written(tmp_path, "a.json", litert_json(size_mb=0.5))
    with pytest.raises(ResultError, match="the one of --model has 1000 bytes"):
        one(file, model)


def test_a_proto_without_a_name_is_matched_by_size(tmp_path):
    """Its figure has seven digits."""
    sizes = {"a.tflite": 1_234_567, "b.tflite": 1_234_600}
    models = [tflite_file(tmp_path / name, size) for name, size in sizes.items()]
    result = one(written(tmp_path, "r.pb", result_proto(size_bytes=1_234_600)), *models)
    assert result.model.name == "b.tflite"
    with pytest.raises(ResultError, match="about 999 bytes"):
        one(written(tmp_path, "s.pb", result_proto(size_bytes=999)), *models)


def test_equal_sizes_tell_nothing_apart(tmp_path):
    """Two int8 files of one network have the same size."""
    models = [tflite_file(tmp_path / f"{name}.tflite") for name in "ab"]
    models[1].write_bytes(models[1].read_bytes()[:-1] + b"x")
    with pytest.raises(ResultError, match="does not say which model"):
        one(written(tmp_path, "r.pb", result_proto(size_bytes=1000)), *models)


def test_no_model_is_refused_with_the_name_that_is_needed(tmp_path):
    """A result of an unknown file could be joined with nothing."""
    with pytest.raises(ResultError, match=r"which was called net\.tflite, with --model"):
        one(written(tmp_path, "a.json", litert_json()))


def test_two_models_of_one_name_are_refused(tmp_path):
    """Names are what results are matched by."""
    for name in "ab":
        tflite_file(tmp_path / name / "net.tflite", 1000 + ord(name))
    with pytest.raises(UsageError, match="different names"):
        given(tmp_path / "a" / "net.tflite", tmp_path / "b" / "net.tflite")


def test_options_fill_what_is_unknown_and_contradict_nothing(tmp_path, model):
    """The proto says neither threads nor delegate, the JSON says both."""
    proto = written(tmp_path, "r.pb", result_proto())
    unknown = one(proto, model)
    assert (unknown.threads, unknown.engine.delegate) == (0, "unknown")
    told = one(proto, model, threads=4, delegate="gpu")
    assert (told.threads, told.engine.delegate) == (4, "gpu")
    file = written(tmp_path, "a.json", litert_json())
    assert one(file, model, threads=1, delegate="xnnpack").threads == 1
    with pytest.raises(ResultError, match="says 1 thread, and --threads 4"):
        one(file, model, threads=4)
    with pytest.raises(ResultError, match="xnnpack ran the model, and --delegate gpu"):
        one(file, model, delegate="gpu")


def test_only_rules_that_can_be_judged_are_judged(tmp_path, model):
    """A proto does not say what was asked for; whether it is stable can be seen."""
    proto = one(written(tmp_path, "r.pb", result_proto()), model)
    assert proto.rules is None and [flag.name for flag in proto.flags] == ["stable"]
    file = one(written(tmp_path, "a.json", litert_json()), model)
    assert {"min_runs_met", "min_duration_met", "stable"} <= {flag.name for flag in file.flags}
    unstable = one(written(tmp_path, "b.json", litert_json(p95_ms=2.1, median_ms=1.4)), model)
    assert [flag.label for flag in unstable.broken_rules] == ["not stable"]


def test_the_files_of_a_cloud_job_are_one_result(tmp_path):
    """The runtime info completes the proto, and the log of the run says most."""
    folder = tmp_path / "gpu-shiba"
    times = (464.545, 442.0, 979.0, 13.0, 462.0, 460.0, 478.0, 4478.0, 1033.0, 465.319)
    proto = written(folder, "results.pb", result_proto(times, 2112, LOG_SIZE, peak_mb=20.0))
    info = written(folder, "runtime_info.pb", runtime_info())
    (run,), refused, notes = found(info, proto)
    assert not refused and not notes
    assert (run.run.engine.delegate, run.run.engine.nodes) == ("gpu", 5)
    assert run.run.engine.delegated_nodes == 3
    log = written(folder, "logcat.txt", LITERT_LOG)
    (run,), refused, notes = found(info, proto, log)
    assert not refused and "same run" in notes[0]
    assert run.file == log and run.run.peak_memory_bytes == 20 * 2**20
    # Another folder is another job.
    other = written(tmp_path / "gpu-oriole", "logcat.txt", LITERT_LOG + "\n")
    assert len(found(proto, other)[0]) == 2


def test_runtime_info_alone_is_refused(tmp_path):
    """It holds no time."""
    runs, refused, _ = found(written(tmp_path, "runtime_info.pb", runtime_info()))
    assert not runs and "not how fast" in refused[0]


def test_json_and_text_of_a_run_are_one_result():
    """Both were recorded of one run; the text has the date."""
    files = [IMPORTED / f"litert_benchmark_float32.{suffix}" for suffix in ("json", "txt")]
    (run,), refused, notes = found(*files)
    assert run.file == files[1] and not refused and len(notes) == 1


def test_text_without_a_model_yields_to_its_json(tmp_path):
    """Of standard output alone, the JSON says more."""
    text = (IMPORTED / "litert_benchmark_float32.txt").read_text(encoding="utf-8")
    written(tmp_path, "a.txt", text[text.index("=====") :])
    source = (IMPORTED / "litert_benchmark_float32.json").read_bytes()
    (run,), _, _ = found(tmp_path / "a.txt", written(tmp_path, "a.json", source))
    assert run.file.name == "a.json"


def test_bad_files_take_nothing_from_the_others(tmp_path, model):
    """Each is named in a line, and the rest is imported."""
    files = [
        written(tmp_path, "good.json", litert_json()),
        written(tmp_path, "cut.json", litert_json()[:100]),
        tmp_path / "gone.json",
        tmp_path,
        written(tmp_path, "copy.json", litert_json()),
        written(tmp_path, "better.json", litert_json(avg_ms=1.55)),
    ]
    runs, refused, notes = found(*files)
    assert [run.file.name for run in runs] == ["good.json", "better.json"]
    assert [line.split(": ")[0].rpartition("/")[2] for line in refused] == [
        "cut.json",
        "gone.json",
        tmp_path.name,
    ]
    assert "copy.json: has the content of" in notes[0]


def test_pipes_and_giants_are_not_read(tmp_path, monkeypatch):
    """A pipe never ends, and a file beyond the bound is none."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(finding, "MOST_BYTES", 100)
    runs, refused, _ = found(tmp_path / "pipe", written(tmp_path, "a.json", litert_json()))
    assert not runs and "not a regular file" in refused[0] and "too large" in refused[1]


def test_a_file_is_imported_once(tmp_path, model):
    """Again it is there already, with other options it is refused, and nothing is lost."""
    folder = tmp_path / "results"
    (run,), _, _ = found(written(tmp_path, "a.json", litert_json()))
    result = imported.benchmark(run, given(model))
    (first,) = imported.save([(run, result)], folder)
    (again,) = imported.save([(run, dataclasses.replace(result, created_at="later"))], folder)
    assert first.new and not again.new and again.file == first.file
    other = dataclasses.replace(result, device=dataclasses.replace(PIXEL, model="Pixel 9"))
    (refused,) = imported.save([(run, other)], folder)
    assert "imported before with other options" in str(refused)
    assert store.load([folder]) == [first.result]


def test_an_imported_result_keeps_nothing_that_was_made_up(tmp_path, model):
    """The state of the device, its cores and its engine's hash are empty in the stored file."""
    (run,), _, _ = found(written(tmp_path, "a.json", litert_json()))
    (stored,) = imported.save([(run, imported.benchmark(run, given(model)))], tmp_path / "out")
    content = json.loads(stored.file.read_text())
    assert content["before"] == content["after"]
    assert not any(value for value in content["before"].values())
    assert content["cores"] == [] and content["engine"]["sha256"] == ""
    assert content["measurement"]["samples_us"] == []
    assert content["imported_from"]["file"] == "a.json"


def test_copies_of_a_run_are_one_run(tmp_path):
    """With other ends of line, or one after the other in a log; two runs that differ stay two."""
    unix = written(tmp_path / "a", "log.txt", LITERT_LOG)
    dos = written(tmp_path / "b", "log.txt", LITERT_LOG.replace("\n", "\r\n"))
    runs, refused, notes = found(unix, dos)
    assert [run.file for run in runs] == [unix] and not refused
    assert notes == [f"{dos}: is a copy of {unix}; taken once."]
    twice = written(tmp_path, "twice.txt", LITERT_LOG + LITERT_LOG)
    runs, _, notes = found(twice)
    assert len(runs) == 1 and "run 2: is a copy of" in notes[0]
    other = LITERT_LOG.replace("max=979", "max=980")
    assert len(found(written(tmp_path, "two.txt", LITERT_LOG + other))[0]) == 2


def test_another_file_of_an_imported_run_makes_no_repeat(tmp_path):
    """The JSON in one command and the text in the next are of one run."""
    folder = tmp_path / "results"
    model = tflite_file(tmp_path / "mmnet-0.5-128-float32.tflite", 282_844)
    files = [IMPORTED / f"litert_benchmark_float32.{suffix}" for suffix in ("json", "txt")]
    outcomes = []
    for file in files:
        (run,), _, _ = found(file)
        outcomes += imported.save([(run, imported.benchmark(run, given(model)))], folder)
    assert [it.new for it in outcomes] == [True, False]
    assert [it.file_read for it in outcomes] == [file.name for file in files]
    (run,), _, _ = found(files[1])
    other = imported.benchmark(run, given(model))
    pixel9 = dataclasses.replace(other, device=dataclasses.replace(PIXEL, model="Pixel 9"))
    (refused,) = imported.save([(run, pixel9)], folder)
    assert "is of a run that was imported before" in str(refused)
    assert store.load([folder]) == [outcomes[0].result]


def test_a_name_may_be_given_with_its_folder(tmp_path, model):
    """As it stands in the log."""
    file = written(tmp_path, "a.json", litert_json("/data/local/tmp/x.tflite"))
    assert one(file, f"/data/local/tmp/x.tflite={model}").model.name == "net.tflite"


def test_the_option_that_a_message_gives_fits_a_shell(tmp_path, model):
    """A name may have blanks; one that no file system takes is cut."""
    file = written(tmp_path, "a.json", litert_json("my net.tflite"))
    with pytest.raises(ResultError, match=r"give --model 'my net\.tflite=FILE\.tflite'"):
        one(file, model)
    with pytest.raises(ResultError) as raised:
        one(written(tmp_path, "b.json", litert_json("x" * 100_000)), model)
    assert len(str(raised.value)) < 400


def test_an_impossible_number_of_threads_is_refused(tmp_path, model):
    """No device has ten million cores."""
    file = written(tmp_path, "a.json", litert_json(num_threads=10_000_000))
    with pytest.raises(ResultError, match="impossible number of threads: 10000000"):
        one(file, model)
