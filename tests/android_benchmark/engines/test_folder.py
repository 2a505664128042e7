"""What belongs to an engine: one program, and the libraries beside it."""

import hashlib
import re

import pytest

from android_benchmark.engines import BenchmarkModel
from android_benchmark.errors import EngineFileError


def _fill(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_so", ".so")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_binary_is_an_engine_without_libraries(tmp_path):
    """It is the only file, whatever lies beside it."""
    (tmp_path / "android_aarch64_benchmark_model").write_text("program")
    (tmp_path / "libLiteRt.so").write_text("library")
    engine = BenchmarkModel(tmp_path / "android_aarch64_benchmark_model")
    assert list(engine.files) == ["benchmark_model"]
    assert engine.sha256 == _sha256("program")
    assert (engine.libraries, engine.release, engine.origin) == ({}, "", "")


def test_a_folder_is_its_program_and_its_libraries(tmp_path):
    """Libraries are found in it and one level below; nothing else is pushed."""
    _fill(
        tmp_path,
        benchmark_model="program",
        run_model="runner",
        libLiteRt_so="a",
        qualcomm__libQnnHtp_so="b",
        notes="text",
        qualcomm__notes="text",
    )
    engine = BenchmarkModel(tmp_path, release="2.3.0", origin="a shelf")
    assert set(engine.files) == {"benchmark_model", "run_model", "libLiteRt.so", "libQnnHtp.so"}
    assert engine.programs == ("benchmark_model", "run_model")
    assert engine.libraries == {"libLiteRt.so": _sha256("a"), "libQnnHtp.so": _sha256("b")}
    assert (engine.sha256, engine.release) == (_sha256("program"), "2.3.0")


def test_a_folder_as_downloaded_may_call_its_program_by_the_name_it_had(tmp_path):
    """On the phone it is called benchmark_model."""
    _fill(tmp_path, android_aarch64_benchmark_model="program")
    assert list(BenchmarkModel(tmp_path).files) == ["benchmark_model"]


def test_a_library_that_is_there_twice_is_pushed_once(tmp_path):
    """Equal content under one name is no contradiction."""
    _fill(tmp_path, benchmark_model="program", libA_so="a", gpu__libA_so="a")
    assert list(BenchmarkModel(tmp_path).libraries) == ["libA.so"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "one program `benchmark_model`.*Received: an empty folder"),
        ({"libLiteRt_so": "a"}, "one program `benchmark_model`.*Received: libLiteRt.so"),
        (
            {"arm_benchmark_model": "a", "arm64_benchmark_model": "b"},
            "one program .*Received: arm64_benchmark_model, arm_benchmark_model",
        ),
        (
            {"benchmark_model": "a", "libA_so": "a", "old__libA_so": "b"},
            "one library of each name.*libA.so and .*old/libA.so, which differ",
        ),
    ],
)
def test_a_folder_that_is_no_engine_is_one_line(tmp_path, files, words):
    """The line says what a folder must hold, and what was there."""
    _fill(tmp_path, **files)
    with pytest.raises(EngineFileError) as caught:
        BenchmarkModel(tmp_path)
    assert re.search(words, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_no_engine(tmp_path):
    """Neither as a file nor as a folder."""
    with pytest.raises(EngineFileError, match="Cannot read the engine"):
        BenchmarkModel(tmp_path / "absent")


def test_hidden_files_are_none_of_it(tmp_path):
    """A file manager leaves them beside each file; they would be other libraries every time."""
    _fill(tmp_path, a_benchmark_model="program", libLiteRt_so="a")
    plain = BenchmarkModel(tmp_path)
    (tmp_path / "._a_benchmark_model").write_text("attributes")
    (tmp_path / "._libLiteRt.so").write_text("attributes")
    assert BenchmarkModel(tmp_path).files == plain.files
    assert BenchmarkModel(tmp_path).libraries == plain.libraries


def test_a_link_that_leads_nowhere_is_told(tmp_path):
    """Left out in silence, the accelerator that it is of would not run."""
    _fill(tmp_path, benchmark_model="program")
    (tmp_path / "libLiteRtClGlAccelerator.so").symlink_to(tmp_path / "gone.so")
    with pytest.raises(EngineFileError, match=r"libLiteRtClGlAccelerator\.so: No such file"):
        BenchmarkModel(tmp_path)


def test_a_name_of_two_lines_is_told(tmp_path):
    """Nothing that the phone prints of such a file could be read."""
    _fill(tmp_path, benchmark_model="program")
    (tmp_path / "lib\nA.so").write_text("a")
    with pytest.raises(EngineFileError, match=r"names in one line.*'lib\\nA\.so'"):
        BenchmarkModel(tmp_path)
