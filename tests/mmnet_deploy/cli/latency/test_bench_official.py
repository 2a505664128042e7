"""`bench` without an engine: it gets the published one, once for all phones of an ABI."""

import contextlib
import hashlib

import pytest
from click.testing import CliRunner

from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import stand_in
from mmnet_deploy.cli import cli
from mmnet_deploy.results import grouping, store
from tests.support import engine_server, phone_faults
from tests.support.emulated import needs_adb
from tests.support.engine_server import FOLDER, VERSION

QUICK = ("--preset", "quick", "--engine-version", VERSION)


@pytest.fixture(scope="module")
def adb():
    with private_adb_server() as server:
        yield server


@pytest.fixture
def phones(adb):
    """Start phones, each of an ABI."""
    with contextlib.ExitStack() as stack:

        def start(*abis):
            started = []
            for abi in abis:
                phone = stack.enter_context(EmulatedPhone())
                phone.device.properties |= {
                    "ro.product.cpu.abi": abi,
                    "ro.product.cpu.abilist": abi,
                }
                adb.connect(phone.serial)
                stack.callback(adb.run, "disconnect", phone.serial)
                started.append(phone.serial)
            return started

        yield start


@pytest.fixture
def server(tmp_path):
    """A mirror with an engine that answers by a script."""
    stand_in.write_stand_in(tmp_path / "script")
    with engine_server.serving() as server:
        server.put("benchmark_model", (tmp_path / "script").read_bytes())
        yield server


@pytest.fixture
def run(adb, server, tmp_path):
    """Run `bench` with that server, in this process."""

    def call(*words, **environment):
        hidden = dict.fromkeys(("ANDROID_SERIAL", "MMNET_BENCHMARK_MODEL", "http_proxy"))
        ours = {"MMNET_CACHE": str(tmp_path / "cache"), "MMNET_ENGINE_URL": server.url}
        result = CliRunner().invoke(
            cli,
            ["bench", *map(str, words), "-o", str(tmp_path / "out")],
            env=hidden | adb.environment | ours | environment,
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        assert "Traceback" not in result.output
        return result

    return call


@needs_adb
def test_the_engine_is_downloaded_once_and_its_source_is_in_the_result(
    run, phones, server, tmp_path, tiny_models
):
    """Version, hash and address; the second time it is from the cache, also without network."""
    phones("arm64-v8a")
    result = run(tiny_models["int8"], *QUICK)
    assert result.exit_code == 0, result.output
    assert f"Downloading benchmark_model of LiteRT {VERSION} for arm64-v8a" in result.stderr
    (record,) = store.load([tmp_path / "out"])
    content = server.files[f"{FOLDER}/benchmark_model"]
    assert record.engine.release == VERSION
    assert record.engine.sha256 == hashlib.sha256(content).hexdigest()
    assert record.engine.origin == f"{server.url}{FOLDER}/benchmark_model"
    again = run(tiny_models["int8"], *QUICK, "--offline", "--resume")
    assert again.exit_code == 0, again.output
    assert "1 of 1 results are in" in again.output
    assert server.paths() == [f"{FOLDER}/benchmark_model"]


@needs_adb
def test_phones_of_one_abi_share_a_download_and_others_do_not_disturb_them(
    run, phones, server, tmp_path, tiny_models
):
    """A phone without an engine is a failure of that phone alone."""
    *good, bad = phones("arm64-v8a", "arm64-v8a", "x86_64")
    result = run(tiny_models["int8"], "--all-devices", *QUICK)
    assert result.exit_code == 1, result.output
    assert f"Failed on {bad}" in result.output and "arm64-v8a only" in phone_faults.seen(result)
    records = store.load([tmp_path / "out"])
    assert sorted(record.device.serial for record in records) == sorted(good)
    assert server.paths() == [f"{FOLDER}/benchmark_model"]


@needs_adb
@pytest.mark.parametrize("abi", ["x86_64", "armeabi-v7a"])
def test_a_phone_without_an_engine_is_one_line(run, phones, one_line, server, tiny_models, abi):
    """It names the ABI and the option that takes another engine; nothing is downloaded."""
    (serial,) = phones(abi)
    result = run(tiny_models["int8"], *QUICK)
    one_line(result, 2, "arm64-v8a only", f"{serial} runs {abi}", "`bench --engine-binary`")
    assert not server.asked


@needs_adb
def test_without_network_one_line_says_what_to_get_and_where_to_put_it(
    run, phones, one_line, server, tmp_path, tiny_models
):
    """And a file that was put there is taken."""
    phones("arm64-v8a")
    place = tmp_path / f"cache/official{FOLDER}/benchmark_model"
    words = (f"benchmark_model of LiteRT {VERSION}", f"{FOLDER}/benchmark_model", str(place))
    one_line(run(tiny_models["int8"], *QUICK, "--offline"), 1, *words)
    one_line(run(tiny_models["int8"], *QUICK, MMNET_ENGINE_URL="http://127.0.0.1:9"), 1, *words)
    server.faults = [engine_server.answering(200, engine_server.PAGE)]
    one_line(run(tiny_models["int8"], *QUICK), 1, "an HTML page", *words)
    assert not (tmp_path / "out").exists()
    place.parent.mkdir(parents=True)
    place.write_bytes(server.files[f"{FOLDER}/benchmark_model"])
    assert run(tiny_models["int8"], *QUICK, "--offline").exit_code == 0
    (record,) = store.load([tmp_path / "out"])
    assert record.engine.origin == "put into the cache by hand"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--engine-version", "new"), "`--engine-version` must be a release"),
        (("--engine-version", VERSION, "--engine-binary", "e"), "leave one of them out"),
        (("--engine-version", VERSION, "--device", "host"), "`--engine-version` is for phones"),
        (("--engine-version", VERSION, "--device", "emulated"), "`--engine-version` is for phones"),
        (("--offline", "--device", "host"), "`--offline` is for phones"),
        (("--engine-binary", "e", "--device", "host"), "`--engine-binary` is for phones"),
    ],
)
def test_options_without_effect_are_refused(run, one_line, tmp_path, words, message):
    """Before a model is loaded."""
    one_line(run(tmp_path / "none.tflite", *words), 2, message)


def test_options_of_an_engine_need_a_model(run, one_line):
    """Removing our files from phones needs no engine."""
    one_line(run("--clean", "--offline"), 2, "`--offline` is for measuring models")
    one_line(run("--clean", *QUICK), 2, "`--engine-version` is for measuring models")


@needs_adb
def test_run_model_is_taken_along_where_it_is_in_the_cache(
    run, phones, server, tmp_path, tiny_models
):
    """And `--find-culprit` gets it; without either, the program alone is downloaded."""
    phones("arm64-v8a")
    server.put("run_model", b"#!/system/bin/sh\necho no flags\n")
    words = (tiny_models["int8"], *QUICK)
    result = run(*words)
    assert "compared" not in phone_faults.seen(result)  # which is nothing to say of a CPU
    (record,) = store.load([tmp_path / "out"])
    assert "`engines get --for outputs`" in record.outputs_not_compared
    assert server.paths() == [f"{FOLDER}/benchmark_model"]
    again = run(*words, "--find-culprit", "--resume")
    assert "1 of 1 results are in" in again.output
    assert f"{FOLDER}/run_model" in server.paths()
    result = run(*words, "--offline")
    assert "run_model does not list its flags" in phone_faults.seen(result)


@needs_adb
def test_two_versions_of_the_engine_are_never_merged(run, phones, server, tmp_path, tiny_models):
    """Their results are no repeats, and the chart's labels and the table tell them apart."""
    from mmnet_deploy.results import naming

    phones("arm64-v8a")
    script = server.files[f"{FOLDER}/benchmark_model"]
    server.put("benchmark_model", script + b"\n", "2.2.0")
    for version in (VERSION, "2.2.0"):
        words = ("--preset", "quick", "--engine-version", version)
        result = run(tiny_models["int8"], *words, "--resume")
        assert result.exit_code == 0 and "0 of 1 results are in" in result.output, result.output
    records = store.load([tmp_path / "out"])
    assert [len(group) for group in grouping.repeats(records)] == [1, 1]
    first, second = naming.labels(records, records)
    assert first != second and {"2.2.0", VERSION} == {
        version for version in ("2.2.0", VERSION) if version in f"{first} {second}"
    }


@needs_adb
def test_libraries_for_a_gpu_make_another_engine_for_a_gpu_only(
    run, phones, server, tmp_path, tiny_models
):
    """A result of the CPU counts as one, whatever lay beside the program; one of a GPU does not."""
    phones("arm64-v8a")
    words = (tiny_models["int8"], *QUICK, "--resume")
    assert run(*words, "--delegate", "xnnpack,gpu").exit_code == 0
    server.put("libLiteRt.so", engine_server.elf())
    again = run(*words, "--delegate", "xnnpack,gpu")
    assert again.exit_code == 0, again.output
    assert "1 of 2 results are in" in again.output
    records = store.load([tmp_path / "out"])
    held = sorted((r.engine.requested, [*r.engine.libraries]) for r in records)
    assert held == [("gpu", []), ("gpu", ["libLiteRt.so"]), ("xnnpack", [])]
    assert len(grouping.repeats(records)) == 3
