"""`results import`, from files to the chart."""

import json

import pytest

from mmnet_deploy.results import store
from tests.support import FIXTURES, results
from tests.support.foreign_results import (
    litert_json,
    result_proto,
    runtime_info,
    tflite_file,
)


@pytest.fixture
def work(tmp_path):
    """The folder that commands run in, with a model and files of other tools."""
    tflite_file(tmp_path / "net.tflite")
    (tmp_path / "a.json").write_text(litert_json())
    (tmp_path / "cut.json").write_text(litert_json()[:300])
    job = tmp_path / "job"
    job.mkdir()
    (job / "results.pb").write_bytes(result_proto())
    (job / "runtime_info.pb").write_bytes(runtime_info())
    return tmp_path


IMPORT = ("results", "import", "--model", "net.tflite", "--device")


def words(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_what_is_imported_is_shown_with_what_it_is(call, work):
    """Model, delegate, threads, latency; and that its validity is unknown."""
    result = call(*IMPORT, "Pixel 8", "a.json", "job/results.pb", "job/runtime_info.pb")
    assert result.exit_code == 0
    first, second = words(result.stdout)[1:]
    assert first.startswith("a.json net.tflite xnnpack 1 thread 1.52 ms median")
    assert first.endswith("unknown imported")
    assert second.startswith("results.pb net.tflite gpu 3/5 unknown threads 0.46 ms median")
    assert (
        "measured elsewhere" in result.stderr
        and "The time of the import stands for that of 2" in result.stderr
    )
    assert len(store.load([work / "results"])) == 2


def test_the_list_says_elsewhere_where_it_would_say_valid(call, work):
    """And the details say from which file."""
    call(*IMPORT, "Pixel 8", "a.json")
    listed = words(call("results", "list", "results").stdout)[1]
    assert " elsewhere " in listed and "litert-benchmark xnnpack t1" in listed
    shown = words(call("results", "show", "results").stdout)
    assert "imported_from litert-benchmark JSON: a.json" in shown


def test_imported_results_enter_the_chart_and_the_report(call, work):
    """They stand in a panel whose title says where they are from, and a note says it too."""
    call(*IMPORT, "Pixel 8", "a.json")
    (result,) = store.load([work / "results"])
    store.save(results.evaluation(result.model), work / "results")
    plot = call("plot", "results", "-o", "chart.svg")
    assert plot.exit_code == 0
    assert "1 result was measured elsewhere" in plot.stderr + plot.stdout
    chart = (work / "chart.svg").read_text()
    assert "measured elsewhere" in chart and "Pixel 8" in chart
    assert call("plot", "results", "--device", "Pixel 8", "-o", "chart.svg").exit_code == 0
    assert call("report", "results", "-o", "page.html").exit_code == 0
    page = (work / "page.html").read_text()
    assert "unknown: measured elsewhere" in page
    assert "Measured elsewhere, imported from a.json (litert-benchmark JSON)." in page


def test_one_bad_file_of_several_is_named_and_the_rest_imported(call, work):
    """The exit code tells that something is missing."""
    result = call(*IMPORT, "Pixel 8", "cut.json", "a.json")
    assert result.exit_code == 1
    assert "Error: cut.json: it is damaged JSON, or is cut off." in result.stderr
    assert len(store.load([work / "results"])) == 1


def test_nothing_is_written_where_nothing_can_be_imported(call, work):
    """Each file has its line."""
    result = call(*IMPORT, "Pixel 8", "cut.json", "net.tflite")
    assert result.exit_code == 1
    assert "net.tflite: it is a TFLite model" in result.stderr
    assert "2 files or runs were not imported" in result.stderr
    assert not (work / "results").exists()


def test_importing_twice_makes_no_repeat(call, work):
    """The second time says so."""
    call(*IMPORT, "Pixel 8", "a.json")
    again = call(*IMPORT, "Pixel 8", "a.json")
    assert again.exit_code == 0 and "was there already" in again.stdout
    assert "Imported 0 results" in again.stderr
    other = call(*IMPORT, "Pixel 9", "a.json")
    assert other.exit_code == 1 and "imported before with other options" in other.stderr
    assert len(store.load([work / "results"])) == 1


def test_a_log_of_this_computer_says_its_processor(call, work):
    """`host` is what `bench` calls this computer."""
    log = (FIXTURES / "benchmark_model" / "tf2_8_scientific.txt").read_text(encoding="utf-8")
    (work / "log.txt").write_text(log)
    tflite_file(work / "m.tflite", 16_900_800)
    result = call(
        "results", "import", "log.txt", "--device", "host",
        "--model", "mobilenet_v1_1.0_224.tflite=m.tflite",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    (stored,) = store.load([work / "results"])
    assert stored.device.serial == "host" and stored.device.processor
    refused = call(*IMPORT, "host", "a.json", "--soc", "x")
    assert refused.exit_code == 2 and "--device host" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [("a.json", "--device", "x"), ("a.json", "--model", "net.tflite"), ("--device", "x")],
)
def test_what_nobody_can_know_has_to_be_given(call, work, arguments):
    """The model file and the device."""
    assert call("results", "import", *arguments).exit_code == 2


def test_stored_names_of_files_are_escaped(call, work):
    """A name that a terminal would obey is written out."""
    (work / "a\x1b[31m.json").write_text(litert_json())
    result = call(*IMPORT, "Pix\udcffel 8", "a\x1b[31m.json")
    assert result.exit_code == 0 and "\x1b" not in result.stdout + result.stderr
    (stored,) = (work / "results").iterdir()
    assert json.loads(stored.read_text())["imported_from"]["file"] == "a\x1b[31m.json"
    again = call(*IMPORT, "Pix\udcffel 8", "a\x1b[31m.json")
    assert again.exit_code == 0 and "was there already" in again.stdout


def test_results_of_files_of_one_name_are_told_apart(call, work):
    """Clouds call every job's file the same, and a log may hold several runs."""
    log = (FIXTURES / "benchmark_model" / "tf2_20_xnnpack.txt").read_text(encoding="utf-8")
    (work / "two.log").write_text(log + log.replace("max=906121", "max=906122"))
    (work / "job2").mkdir()
    (work / "job2" / "results.pb").write_bytes(result_proto(runs=51))
    tflite_file(work / "m.tflite", 67_312_800)
    result = call(
        "results", "import", "two.log", "job/results.pb", "job2/results.pb",
        "--device", "Pixel 8", "--model", "ssd_mobilenet_v2_coco.tflite=m.tflite",
        "--model", "net.tflite",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    names = [line.split("  ")[0] for line in result.stdout.splitlines()[1:]]
    assert names == ["two.log, run 1", "two.log, run 2", "job/results.pb", "job2/results.pb"]


def test_the_list_says_how_much_an_accelerator_ran(call, work):
    """As every table does."""
    call(*IMPORT, "Pixel 8", "job/results.pb", "job/runtime_info.pb")
    assert "benchmark_model gpu 3/5 t?" in words(call("results", "list", "results").stdout)[1]


def test_a_name_that_leaves_no_room_for_numbers_is_refused(call, work):
    """Tables and charts show it beside them."""
    result = call(*IMPORT, "x" * 101, "a.json")
    assert result.exit_code == 2 and "at most 100 characters. Received: 101" in result.stderr


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--device", ("Pixel 8", "Pixel 9")),
        ("--soc", ("G3", "G4")),
        ("--threads", ("1", "4")),
        ("--delegate", ("gpu", "none")),
    ],
)
def test_what_is_of_all_files_is_given_once(call, work, option, values):
    """The last one would be taken for the files of the first."""
    given = [word for value in values for word in (option, value)]
    device = [] if option == "--device" else ["--device", "Pixel 8"]
    result = call("results", "import", "a.json", "--model", "net.tflite", *device, *given)
    assert result.exit_code == 2
    assert f"`{option}` is for all files" in result.stderr and ", ".join(values) in result.stderr
    assert not (work / "results").exists()
