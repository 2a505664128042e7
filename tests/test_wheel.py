"""The wheel, installed into an environment of its own: what is in it, and that it works there."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile

import pytest

from android_benchmark import emulator
from android_benchmark.building import parts
from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import stand_in
from mmnet_deploy.engines import own_parts, releases
from mmnet_deploy.results import store
from tests.support import ROOT, counting, engine_server

PACKAGES = ("android_benchmark", "mmnet_deploy", "models")
BESIDE = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: what earlier builds left in the checkout cannot get into it."""
    folder = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, folder)
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder / "dist"]
    done = subprocess.run([*words, folder], capture_output=True, text=True)
    if done.returncode and "setuptools" in done.stderr:
        pytest.skip("needs a package index, for setuptools")
    assert done.returncode == 0, done.stderr
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The programs' folder of a new environment with the wheel; heavy libraries are the tests'."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    words = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet"]
    # A checkout on PYTHONPATH would count as installed.
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*words, "--no-deps", wheel], check=True, env=alone)
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
        os.link(own_parts.downloads_folder() / parts.WHEEL, cache / "own/downloads" / parts.WHEEL)
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
