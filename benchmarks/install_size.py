"""What an environment's libraries take on disk, the largest first, as a Markdown table.

    python tools/installs.py build/installs
    python benchmarks/install_size.py build/installs/base build/installs/tflite-runtime

Compiled bytecode counts where pip has written it, as it does by default.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

LEAST_MB = 2.0


def sizes(environment: Path) -> dict[str, float]:
    """Megabytes (10⁶ bytes) of each library of an environment."""
    (packages,) = environment.glob("lib/python*/site-packages")
    found: dict[str, float] = {}
    for library in importlib.metadata.distributions(path=[str(packages)]):
        files = [Path(str(library.locate_file(file))) for file in library.files or ()]
        size = sum(file.stat().st_size for file in files if file.is_file())
        found[f"{library.name} {library.version}"] = size / 1e6
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", type=Path, nargs="+")
    for environment in parser.parse_args().environments:
        found = sizes(environment)
        large = {name: size for name, size in found.items() if size >= LEAST_MB}
        rows = {
            **large,
            f"{len(found) - len(large)} others": sum(found.values()) - sum(large.values()),
        }
        print(f"\n| {environment.name} | MB |\n|---|---:|")
        for name, size in [*rows.items(), ("together", sum(found.values()))]:
            print(f"| {name} | {size:.0f} |")


if __name__ == "__main__":
    main()
