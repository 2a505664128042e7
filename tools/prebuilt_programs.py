"""Compile the arm64 programs that come compiled with the package, and stamp them.

    python tools/prebuilt_programs.py

Needed after a change of the C sources in `android_benchmark/native`. Needs Debian 12's cross
compiler, so that the tests there can compare the bytes: gcc-aarch64-linux-gnu and
libc6-dev-arm64-cross.
"""

from __future__ import annotations

import sys

from android_benchmark.building import BuildError, prebuilt


def main() -> int:
    """Run from the command line; returns the exit code."""
    try:
        prebuilt.renew()
    except BuildError as error:
        print(f"prebuilt_programs: error: {error}", file=sys.stderr)
        return 1
    print(f"Compiled {', '.join(one.name for one in prebuilt.PROGRAMS)} in {prebuilt.folder()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
