"""`bench` on a phone where something goes wrong: what the user sees, and what is kept."""

import re
import shutil

import pytest

from tests.support import phone_faults

pytestmark = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)


@pytest.mark.parametrize("name", phone_faults.SCENARIOS)
def test_a_fault_is_explained_and_costs_nothing_else(name, tmp_path, tiny_models):
    """One clear line, the results before it are stored, and the phone is as it was."""
    scenario = phone_faults.SCENARIOS[name]
    models = (tiny_models["float32"], tiny_models["int8"])
    with phone_faults.staged(name, tmp_path, models) as stage:
        result = stage.run()
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert re.search(scenario.says, phone_faults.seen(result)), result.output
        assert result.exit_code == scenario.exit_code, result.output
        assert stage.kept == scenario.kept
        assert "Traceback" not in result.output
        assert bool(phone_faults.left_changed(stage)) is scenario.changed
