"""How long `mmnet-deploy --help` takes, as a ratio to `python -c "import click"`.

    python benchmarks/startup.py [--rounds 30]

The two take turns, so that whatever else the machine does meets both; the ratio is
that of the medians. The aim is at most 1.5.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    """Wall time of one run of `command`."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    commands = {
        "mmnet-deploy --help": [str(Path(sys.executable).with_name("mmnet-deploy")), "--help"],
        'python -c "import click"': [sys.executable, "-c", "import click"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:26} {1000 * median:7.1f} ms (median of {rounds})")
    ours, base = medians.values()
    print(f"ratio {ours / base:.2f} (aim: at most 1.5)")


if __name__ == "__main__":
    main()
