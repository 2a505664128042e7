"""The wheel, installed into an environment of its own: what is in it, and that it works there."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from android_benchmark import emulator
from android_benchmark.building import parts
from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import stand_in
from mmnet_deploy.engines import own_parts, releases
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.results import store
from tests.support import ROOT, counting, engine_server, scripts

INSTALLS = scripts.load("tools/installs.py")
PACKAGES = INSTALLS.PACKAGES


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: what earlier builds left in the checkout cannot get into it."""
    try:
        return INSTALLS.build_wheel(tmp_path_factory.mktemp("source"))
    except subprocess.CalledProcessError as error:
        if "setuptools" in error.stderr:
            pytest.skip("needs a package index, for setuptools")
        raise AssertionError(error.stderr) from error


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The programs' folder of a new environment with the wheel; heavy libraries are the tests'."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    INSTALLS.pip(folder / "bin/python", "install", "--no-deps", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    # Paths in such a file are only appended: what is installed editable there stays unseen.
    (packages / "libraries.pth").write_text("\n".join(libraries) + "\n")
    return folder / "bin"


def _files(pattern: str, *names: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix() for name in names for path in (ROOT / name).glob(pattern)
    }


def test_the_wheel_has_sources_and_programs(wheel):
    """All modules, all of `native`, and no file of the checkout besides."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert _files("**/*.py", *PACKAGES) <= names
    assert _files("snippets/*.jinja", "mmnet_deploy") <= names
    assert {f"{name}/py.typed" for name in PACKAGES} <= names
    native = _files("**/*.*", "android_benchmark/native")
    assert native | {"android_benchmark/native/prebuilt/tflbench"} <= names
    assert {name.split("/")[0] for name in names} == set(PACKAGES)


def test_it_measures_without_the_checkout(environment, tiny_models, portraits, tmp_path):
    """From `doctor` to the chart: real arm64 kernels, and a phone with a downloaded engine."""
    if not emulator.levels()[1].available:
        pytest.skip("; ".join(emulator.levels()[1].missing))
    bundle, cache = counting.bundle(), tmp_path / "cache"
    if all(parts.installed(one) for one in parts.DEBIAN_PACKAGES):
        (cache / "own/downloads").mkdir(parents=True)
        shutil.copy(own_parts.downloads_folder() / parts.WHEEL, cache / "own/downloads")
    else:
        shutil.copytree(bundle, cache / "own" / bundle.name)
    stand_in.write_stand_in(tmp_path / "engine")
    (tmp_path / "programs").mkdir()
    for name in ("adb", "qemu-aarch64-static"):  # and no compiler
        (tmp_path / "programs" / name).symlink_to(shutil.which(name) or name)
    with engine_server.serving() as files, private_adb_server() as adb, EmulatedPhone() as phone:
        version = releases.default_version()
        files.put("benchmark_model", (tmp_path / "engine").read_bytes(), version)
        adb.connect(phone.serial)
        hidden = ("PYTHONPATH", "ANDROID_SERIAL", "MMNET_BENCHMARK_MODEL")
        inherited = {k: v for k, v in adb.environment.items() if k not in hidden}
        inherited = {k: v for k, v in inherited.items() if not k.lower().endswith("_proxy")}
        ours = {"HOME": str(tmp_path), "MMNET_CACHE": str(cache), "MMNET_ENGINE_URL": files.url}
        ours |= {"PATH": f"{environment}:{tmp_path / 'programs'}"}

        def run(*words, **more: str) -> str:
            done = subprocess.run(
                [environment / words[0], *words[1:]],
                cwd=tmp_path,
                env=inherited | ours | more,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            assert str(ROOT / "mmnet") not in done.stdout + done.stderr
            return done.stdout + done.stderr

        program = "mmnet-deploy"
        where = run("python", "-c", "import mmnet_deploy as m; print(m.__file__)")
        assert where.startswith(str(environment.parent))
        said = run(program, "doctor")
        assert re.search("measure on phones(,| and) run real arm64 kernels", said.splitlines()[0])
        assert "checkout" not in said
        if shutil.which("gcc"):
            said = run(program, "engines", "build", "counter", PATH=os.environ["PATH"])
            assert str(cache) in said
        model = tiny_models["int8"]
        run(program, "evaluate", model, "--data", portraits, "-o", "results")
        devices = ("--device", "emulated", "--device", phone.serial)
        said = run(program, "bench", model, *devices, "--preset", "quick", "-o", "results")
        assert f"{files.url}/{version}/android_arm64/benchmark_model" in said
    records = {
        it.engine.name: it for it in store.load([tmp_path / "results"]) if it.kind == "benchmark"
    }
    real, downloaded = records["tflbench"], records["benchmark_model"]
    assert real.output_difference.agrees and real.engine.delegate == "xnnpack"
    assert real.engine.sha256 == parts.sha256((bundle / "tflbench").read_bytes())
    assert downloaded.engine.release == version and files.url in downloaded.engine.origin
    listed = run(program, "engines", "list")
    assert re.search(rf"benchmark_model +{re.escape(version)} .* whole", listed)
    assert re.search(r"tflbench +[0-9.]+ .* whole", listed)
    assert model.name in run(program, "results", "list", "results")
    run(program, "plot", "results", "--emulated", "-o", "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


# --- Small installs ----------------------------------------------------------


@pytest.fixture(params=["base", "tflite-runtime"])
def install(request, wheel, tmp_path):
    """Run a command of an environment without TensorFlow: its kind, and the function."""
    folder = ROOT / "build" / "installs" / request.param
    if not (folder / "made-of.txt").exists():
        pytest.skip(f"`make test` makes the environment {request.param}, with Python below 3.12")
    INSTALLS.pip(folder / "bin/python", "install", "--no-deps", "--force-reinstall", wheel)

    def run(*words, **more):
        alone = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        alone |= {"MMNET_CACHE": str(tmp_path / "cache")}
        return subprocess.run(
            [folder / "bin" / words[0], *words[1:]],
            cwd=tmp_path,
            env=alone | more,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return request.param, run


USE = """
import sys
from mmnet_deploy.cli import main
for words in {commands}:
    sys.argv = ["mmnet-deploy", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise RuntimeError(words) from end
print("all", len({commands}))
"""


def test_a_small_install_does_all_but_train_and_convert(
    call, install, tiny_models, portraits, tmp_path
):
    """Mattes and scores are those of the full install, within the runtimes' rounding."""
    kind, run = install
    runtime = "tflite-runtime 2." if kind == "tflite-runtime" else "ai-edge-litert"
    files = [str(tiny_models[name]) for name in ("float32", "float16", "int8")]
    pairs = dataset.find_pairs(portraits, "test")
    said = run("mmnet-deploy", "doctor")
    assert re.search(rf"TFLite runtime +{re.escape(runtime)}", said.stdout), said
    commands = [
        ["inspect", files[0]],
        ["evaluate", *files, "--data", str(portraits), "-o", "results"],
        ["bench", *files, "--device", "host", "--preset", "quick", "-o", "results"],
        ["predict", files[0], str(pairs[0].image), "-o", "matte.png"],
        ["plot", "results", "-o", "chart.png"],
        ["report", "results", "-o", "report.html"],
        ["compare", "results", "results"],
    ]
    if kind == "base":
        source = ["--representative", str(portraits), "-o", "converted"]
        commands.append(["convert", files[0], "--precision", "float16", *source])
    done = run("python", "-W", "ignore", "-c", USE.format(commands=commands))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"all {len(commands)}\n")
    assert runtime in done.stdout
    assert call("evaluate", *files, "--data", portraits, "-o", "ours").exit_code == 0
    assert call("predict", files[0], pairs[0].image, "-o", "ours.png").exit_code == 0
    scores = {
        (where, it.model.name): it.scores
        for where in ("results", "ours")
        for it in store.load([tmp_path / where])
        if it.kind == "evaluation"
    }
    assert len(scores) == 2 * len(files)
    for (where, name), values in scores.items():
        assert values == pytest.approx(scores["ours", name], rel=0.02, abs=1e-4), (where, name)
    mattes = [pictures.read_image(Path(name)).astype(int) for name in ("matte.png", "ours.png")]
    assert np.abs(mattes[0] - mattes[1]).max() <= 1
    assert all(os.path.getsize(name) > 10_000 for name in ("chart.png", "report.html"))
    words = "predict", files[0], pairs[0].image, "-o", "other.png"
    lines = run("mmnet-deploy", *words, MMNET_RUNTIME="tensorflow").stderr.splitlines()
    assert lines == [
        "Error: MMNET_RUNTIME asks for tensorflow, which is not installed. Install it: pip install "
        "'mmnet-deploy[convert]'"
    ]
    lines = run(
        "mmnet-deploy", "convert", "pretrained:mmnet-0.5-128", "-o", "m"
    ).stderr.splitlines()
    assert len(lines) == 1 and "pip install 'mmnet-deploy[convert]'" in lines[0]
