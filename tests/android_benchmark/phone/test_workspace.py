"""Our folder on the phone: what is pushed, checked and removed."""

from __future__ import annotations

import shutil

import pytest

from android_benchmark import Settings, errors
from android_benchmark.emulator import EmulatedPhone
from android_benchmark.phone import Adb
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.workspace import FOLDER, Workspace
from tests.support.emulated import RULES, needs_adb

pytestmark = needs_adb


def _pushes(emulated):
    return sum(name.startswith("sync:") for name in emulated.opened)


def test_what_is_on_the_phone_is_not_pushed_again(start, tmp_path, model):
    """Neither the engine nor a model; a file that was damaged there is."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    before = _pushes(emulated)
    phone.measure(model, Settings(), RULES)
    assert _pushes(emulated) == before
    (there,) = (emulated.root / FOLDER[1:]).glob("*.tflite")
    there.write_bytes(b"damaged")
    phone.measure(model, Settings(), RULES)
    assert _pushes(emulated) > before
    assert there.read_bytes() == model.read_bytes()
    phone.close()


@pytest.mark.parametrize("missing", [(), ("sha256sum",)])
def test_pushes_are_checked_with_the_hash_that_the_phone_has(start, tmp_path, model, missing):
    """Old phones have md5sum only."""
    emulated, phone, _ = start(tmp_path, missing=missing)
    phone.measure(model, Settings(), RULES)
    (there,) = (emulated.root / FOLDER[1:]).glob("*.tflite")
    assert there.read_bytes() == model.read_bytes()
    phone.close()


def test_a_phone_without_any_hash_is_refused(start, tmp_path, model):
    """A push that cannot be checked is no push."""
    _, phone, _ = start(tmp_path, missing=("sha256sum", "md5sum"))
    with pytest.raises(errors.RemoteError, match="neither sha256sum nor md5sum"):
        phone.measure(model, Settings(), RULES)


@pytest.mark.parametrize(
    "name", ["a b;$(reboot).tflite", "`id`.tflite", "-rf.tflite", "ü'\"\n.tflite", "a&b|c>d.tflite"]
)
def test_a_model_may_be_called_anything(start, tmp_path, model, name):
    """Its name never reaches the phone."""
    emulated, phone, _ = start(tmp_path)
    hostile = tmp_path / name
    shutil.copy(model, hostile)
    assert phone.measure(hostile, Settings(), RULES).measurement.runs == 50
    assert not any(name[:-7] in opened for opened in emulated.opened)
    phone.close()


def test_clean_removes_all_of_ours_and_nothing_else(start, tmp_path, model):
    """And says how much that was."""
    emulated, phone, _ = start(tmp_path)
    other = emulated.root / "data/local/tmp/other"
    other.write_text("mine")
    phone.measure(model, Settings(), RULES)
    size = sum(p.stat().st_size for p in (emulated.root / FOLDER[1:]).rglob("*") if p.is_file())
    phone.close()
    assert abs(phone.clean() - size) < 200  # the note of what was changed is gone before
    assert not (emulated.root / FOLDER[1:]).exists()
    assert other.read_text() == "mine"
    assert phone.clean() == 0


def test_a_workspace_quotes_its_folder(server, tmp_path):
    """A folder with a space and a command in its name is a folder."""
    with EmulatedPhone() as emulated:
        server.connect(emulated.serial)
        device = AdbDevice(Adb(environment=server.environment), emulated.serial)
        workspace = Workspace(device, "/data/local/tmp/a b;$(id)'")
        local = tmp_path / "x"
        local.write_bytes(b"content")
        workspace.push({"y z": local})
        assert (emulated.root / "data/local/tmp/a b;$(id)'/y z").read_bytes() == b"content"
        workspace.clean()
        assert not (emulated.root / "data/local/tmp/a b;$(id)'").exists()
