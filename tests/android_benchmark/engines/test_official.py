"""The engine benchmark_model: what it is asked for, and what it says of itself."""

import pytest

from android_benchmark import RunRules, Settings, errors
from android_benchmark.engines import BenchmarkModel
from android_benchmark.phone.adb import Completed
from tests.support.benchmark_model import recorded

MODEL, FOLDER = "/data/local/tmp/m.tflite", "/data/local/tmp/engine"


@pytest.fixture
def engine(tmp_path):
    """Make an engine with a help text, and libraries beside it."""

    def make(help_name, *libraries, **origin):
        (tmp_path / "benchmark_model").write_text("program")
        for name in libraries:
            (tmp_path / name).write_text(name)
        engine = BenchmarkModel(tmp_path, **origin)
        engine.learn(Completed(recorded(help_name), "", 1))
        return engine

    return make


def test_libraries_are_found_beside_the_program(engine):
    """Qualcomm's NPU looks for its own by a variable of its own."""
    assert engine("help_litert2_3").environment(FOLDER) == {}
    gpu = engine("help_litert2_3", "libLiteRtClGlAccelerator.so")
    assert gpu.environment(FOLDER) == {"LD_LIBRARY_PATH": FOLDER}
    npu = engine("help_litert2_3", "libQnnHtp.so")
    assert npu.environment(FOLDER) == {"LD_LIBRARY_PATH": FOLDER, "ADSP_LIBRARY_PATH": FOLDER}


def test_an_npu_gets_the_folder_of_its_libraries(engine):
    """It is the program's own folder."""
    npu = engine("help_litert2_3", "libLiteRtDispatch_Qualcomm.so")
    words = npu.command(MODEL, Settings(delegate="npu"), RunRules(), None, FOLDER)
    assert f"--dispatch_library_path={FOLDER}" in words


def test_an_npu_without_a_dispatch_library_is_refused(engine):
    """Unless the phone has one, which a flag names."""
    npu = engine("help_litert2_3", "libLiteRt.so")
    with pytest.raises(errors.DelegateMissingError, match=r"Received: libraries libLiteRt\.so"):
        npu.check(Settings(delegate="npu"))
    npu.check(Settings(delegate="npu", engine_flags=("dispatch_library_path=/vendor/lib64",)))


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"delegate": "nnapi"}, errors.DelegateMissingError, "one of xnnpack, gpu, npu"),
        ({"precision": "fp16"}, errors.EngineError, "has one for gpu only"),
        ({"engine_flags": ("xnnpack_flags=4",)}, errors.EngineError, "must name a flag that"),
        ({"engine_flags": ("graph=x",)}, errors.EngineError, "MODEL.tflite sets `graph`"),
    ],
)
def test_what_an_engine_cannot_do_is_one_line(engine, settings, kind, words):
    """It is found out before anything is measured."""
    with pytest.raises(kind, match=words) as caught:
        engine("help_litert2_3").check(Settings(**settings))
    assert "\n" not in str(caught.value)


def test_further_flags_and_precision_stand_in_the_command(engine):
    """So does what `bench` sets itself."""
    settings = Settings(delegate="gpu", precision="fp32", engine_flags=("gpu_backend=webgpu",))
    words = engine("help_litert2_3").command(MODEL, settings, RunRules(), None, FOLDER)
    assert {"--use_gpu=true", "--allow_fp16=false", "--gpu_backend=webgpu"} <= set(words)


def test_a_run_brings_back_what_it_ran_on(engine):
    """Release, origin and libraries are in the result beside the backend."""
    name = "libLiteRtClGlAccelerator.so"
    gpu = engine("help_litert2_3", name, release="2.3.0", origin="a shelf")
    run = Completed(recorded("litert2_gpu_opencl"), "", 0)
    ran = gpu.read(run, Settings(delegate="gpu")).engine
    assert (ran.delegate, ran.backend, ran.delegated_nodes) == ("gpu", "OpenCL", 395)
    assert (ran.version, ran.release, ran.origin) == ("litert2", "2.3.0", "a shelf")
    assert ran.libraries == gpu.libraries and list(ran.libraries) == [name]


def test_a_program_without_its_library_says_which(tmp_path):
    """Android's linker names it; the line says where it has to be."""
    (tmp_path / "benchmark_model").write_text("program")
    said = (
        'CANNOT LINK EXECUTABLE "./benchmark_model": library "libLiteRt.so" not found: needed by '
        "main executable\n"
    )
    with pytest.raises(errors.EngineFileError, match=r"lacks its library libLiteRt\.so: put that"):
        BenchmarkModel(tmp_path).learn(Completed("", said, 1))


FAILED = """INFO: STARTING!
ERROR: ERROR: [litert/runtime/dispatch_accelerator.cc:137] Dispatch library directory is not set.
WARNING: [gpu_registry.cc:131] GPU accelerator could not be loaded and registered.
ERROR: [benchmark_litert_model.cc:236] Failed to compile model.
└ ERROR: [./litert/cc/litert_compiled_model.h:495]
ERROR: Benchmarking failed.
"""


def test_a_run_that_failed_is_explained_by_words_about_its_delegate(engine):
    """Those that stand in every run, and those about another delegate, explain nothing."""
    failed = Completed(FAILED, "", 1)
    with pytest.raises(errors.DelegateMissingError) as caught:
        engine("help_litert2_3").read(failed, Settings(delegate="gpu"))
    assert "Failed to compile model (GPU accelerator could not be loaded" in str(caught.value)
    with pytest.raises(errors.EngineError) as caught:
        engine("help_litert2_3").read(failed, Settings())
    assert str(caught.value) == "benchmark_model failed (exit code 1): Failed to compile model."
