"""Print the table of faults of docs/guide/bench.md: each is brought about, and `bench` reports it.

    python tools/fault_table.py

Every fault of `tests/support/phone_faults` meets the real adb and an emulated phone with two
models. Needs adb and the packages of the extras `convert` and `test`.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import models  # noqa: E402
from mmnet_deploy import conversion  # noqa: E402
from mmnet_deploy.networks import network  # noqa: E402
from mmnet_deploy.portraits import synthetic  # noqa: E402
from tests.support import phone_faults  # noqa: E402

_VARIABLE = (
    (r"127\.0\.0\.1:[0-9]+", "SERIAL"),
    (r"port [0-9]+", "port PORT"),
    (r"/[\w./-]*/(?=engine|results)", ""),
    (r"Looked for: \S+", "Looked for: adb."),
    (
        r"process [0-9]+ on \S+ since [^(]+ \(`[^`]*`\)",
        "process PID on HOST since TIME (`mmnet-deploy bench …`)",
    ),
)


def two_models(folder: Path) -> tuple[Path, Path]:
    """MMNet 0.5 with random weights, in float32 and int8."""
    training = models.build("mmnet", width_multiplier=0.5, input_size=64)
    models.inference_network(training).save(folder / "mmnet.keras")
    synthetic.write_dataset(folder / "portraits", count=20, size=64, seed=1)
    converted = conversion.convert(
        network.load(folder / "mmnet.keras"),
        ("float32", "int8"),
        folder / "portraits",
        folder / "models",
    )
    first, second = (result.path for result in converted)
    return first, second


def said(output: str, says: str) -> str:
    """The line that tells the user of the fault, without what varies."""
    line = next(line for line in output.splitlines() if re.search(says, line))
    for pattern, text in _VARIABLE:
        line = re.sub(pattern, text, line)
    return " ".join(line.split()).replace("|", "\\|")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = two_models(Path(scratch))
        print("| what happens | what `bench` says | exit code | kept of 2 |\n|---|---|---|---|")
        for name, scenario in phone_faults.SCENARIOS.items():
            folder = Path(scratch) / name
            folder.mkdir()
            with phone_faults.staged(name, folder, files) as stage:
                result = stage.run()
                print(
                    f"| {scenario.title} | {said(result.output, scenario.says)} "
                    f"| {result.exit_code} | {stage.kept} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
