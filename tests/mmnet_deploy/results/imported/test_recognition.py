"""What a file is, by its content."""

import pytest

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import recognition
from tests.support import FIXTURES
from tests.support.foreign_results import (
    IMPORTED,
    litert_json,
    result_proto,
    runtime_info,
    tflite_file,
)

LOG = (FIXTURES / "benchmark_model" / "tf2_20_xnnpack.txt").read_text(encoding="utf-8")


def runs(content):
    return recognition.read(content).runs


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ((IMPORTED / "litert_benchmark_int8.json").read_bytes(), "litert-benchmark JSON"),
        ((IMPORTED / "litert_benchmark_int8.txt").read_bytes(), "litert-benchmark text"),
        ((IMPORTED / "logcat_threadtime.txt").read_bytes(), "benchmark_model in Android's log"),
        (LOG.encode(), "benchmark_model log"),
        (result_proto(), "benchmark_model result proto"),
    ],
)
def test_the_content_decides(content, form):
    """No name is needed."""
    (run,) = runs(content)
    assert run.form == form


def test_runtime_info_is_no_run():
    """It says what ran a model, and not how fast."""
    contents = recognition.read(runtime_info())
    assert contents.runs == () and contents.info.delegate == "gpu"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_powershell_and_windows_write_the_same(encoding, end):
    """`>` of PowerShell writes UTF-16 with a mark, and ends lines in CR LF."""
    text = LOG.replace("\n", end)
    content = text.encode(encoding)
    if encoding == "utf-16-be":
        content = b"\xfe\xff" + content
    assert runs(content) == runs(LOG.encode())
    json_content = litert_json().replace("\n", end).encode(encoding)
    if encoding == "utf-16-be":
        json_content = b"\xfe\xff" + json_content
    assert runs(json_content) == runs(litert_json().encode())


@pytest.mark.parametrize(
    "mark", ["2025-01-01T10:00:00.1234567Z ", "2025-01-01T10:00:00+01:00 ", "    "]
)
def test_what_all_lines_begin_with_is_no_part_of_them(mark):
    """Build servers put the time before each, people indent what they quote."""
    marked = "".join(f"{mark}{line}\n" for line in LOG.splitlines())
    assert runs(marked.encode()) == runs(LOG.encode())
    with pytest.raises(ResultError, match="no measurement"):
        runs(f"{mark}hello\n".encode())


def test_a_log_may_hold_odd_bytes():
    """A file's name is whatever bytes it is."""
    (run,) = runs(LOG.replace("model", "mod\udce9l").encode("utf-8", "surrogateescape"))
    assert run.measurement.runs == 50


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"hello\n", "no measurement that is known"),
        (b"\x00\x01\x02" * 99, "no measurement that is known"),
        (bytes(range(256)), "no measurement that is known"),
        (b"{", "cut off"),
        (litert_json()[:200].encode(), "cut off"),
        (litert_json().encode() * 2, "more than one piece of JSON"),
        (
            litert_json()
            .replace('"num_threads": 1', '"num_threads": 1, "num_threads": 4')
            .encode(),
            "says num_threads twice",
        ),
        (litert_json().replace('"p5_ms"', '"avg_ms"').encode(), "says avg_ms twice"),
        (litert_json(median_ms=0, min_ms=0, p5_ms=0).encode(), "a time of 0 ms"),
        (b"[1, 2]", "another program"),
        (b'{"latency_ms": 3}', "another program"),
        (b'{"kind": "benchmark", "schema_version": 6}', "already"),
        (b'{"latency": {}, "accelerators": []}', "damaged"),
        (b"[" * 100_000, "cut off"),
        (result_proto()[:-30], "known"),
        (b"PK\x03\x04" + bytes(99), "unpack it"),
        (b"\x1f\x8b\x08" + bytes(99), "unpack it"),
    ],
)
def test_everything_else_is_refused_in_a_line(content, words):
    """The line says what it seems to be."""
    with pytest.raises(ResultError, match=words) as raised:
        runs(content)
    assert "\n" not in str(raised.value)


def test_a_model_is_not_taken_for_a_measurement(tmp_path):
    """The message says where models go."""
    with pytest.raises(ResultError, match="give it with --model"):
        runs(tflite_file(tmp_path / "a.tflite").read_bytes())
