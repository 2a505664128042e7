"""Try damaged inputs in large numbers and print a row of docs/robustness.md for each kind.

    python tools/campaign.py [--factor F] [--seed S] [KIND ...]

Every module of `tests/fuzz` with a function `campaign(cases, seed)` is a kind; its `CAMPAIGN` is
the number of inputs at factor 1. Exits with 1 if an input ended in anything but a result or one
of the project's errors; the failures stand on standard error.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import tests.fuzz  # noqa: E402


def kinds() -> dict[str, object]:
    """Modules of `tests/fuzz` that hold a campaign, by name."""
    names = [module.name for module in pkgutil.iter_modules(tests.fuzz.__path__)]
    loaded = {
        name: importlib.import_module(f"tests.fuzz.{name}")
        for name in names
        if not name.startswith("test_")
    }
    return {name: module for name, module in loaded.items() if hasattr(module, "campaign")}


def main() -> None:
    known = kinds()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", nargs="*", choices=[[], *known], help="Default: all.")
    parser.add_argument("--factor", type=float, default=1.0, help="Share of the full number.")
    parser.add_argument("--seed", type=int, default=1, help="Seed of the random damage.")
    options = parser.parse_args()
    failed = False
    print("| input | tried | held | how they ended | seconds |\n|---|---|---|---|---|")
    for name in options.kind or known:
        module = known[name]
        begin = time.monotonic()
        outcome = module.campaign(max(1, round(module.CAMPAIGN * options.factor)), options.seed)
        endings = ", ".join(f"{count} {what}" for what, count in outcome.endings.most_common())
        endings = "; ".join([endings, *outcome.notes])
        title = (module.__doc__ or name).partition("\n")[0].rstrip(".")
        print(
            f"| {title} | {outcome.cases} | {outcome.cases - len(outcome.failures)} | {endings} "
            f"| {time.monotonic() - begin:.0f} |",
            flush=True,
        )
        for line in outcome.failures:
            failed = True
            print(f"{name}: {line}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
