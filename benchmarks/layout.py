"""Size and shape of the code: modules per package, imports between packages, circles, contracts.

    python benchmarks/layout.py [CHECKOUT]

An import counts once per pair of importing and imported unit; a unit is what stands directly in
one of the three packages, a module or a package. Imports for type checking only and inside
functions count. Needs the extra `test`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import grimp

PACKAGES = ("mmnet_deploy", "android_benchmark", "models")


def unit(module: str) -> str:
    """The module or package directly in one of the three packages that a module belongs to."""
    return ".".join(module.split(".")[:2])


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Groups of modules that import each other in a circle."""
    modules = sorted(graph.modules)
    reached = {module: graph.find_upstream_modules(module) for module in modules}
    found: list[set[str]] = []
    for module in modules:
        if module in reached[module] or any(module in group for group in found):
            continue
        group = {other for other in reached[module] if module in reached[other]}
        if group:
            found.append(group | {module})
    return found


def contract_lines(checkout: Path) -> int:
    """Lines of the import contracts that are not empty."""
    _, _, contracts = (checkout / "setup.cfg").read_text().partition("[importlinter]")
    return 1 + sum(bool(line.strip()) for line in contracts.splitlines()[1:])


def show(name: str, modules: Iterable[str], graph: grimp.ImportGraph) -> None:
    """One line about a top-level package, and one per unit of it."""
    units = Counter(unit(module) for module in modules if module != name)
    pairs = {
        (unit(module), unit(other))
        for module in modules
        for other in graph.find_modules_directly_imported_by(module)
        if other.startswith(f"{name}.")
    }
    between = sum(name not in pair and pair[0] != pair[1] for pair in pairs)
    print(f"{name}: {len(units)} units, {sum(units.values())} modules, {between} imports between")
    for title, count in sorted(units.items()):
        if count > 1:
            print(f"    {title.removeprefix(name + '.')}: {count}")


def main() -> None:
    checkout = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    sys.path.insert(0, str(checkout))
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False)
    for name in PACKAGES:
        show(name, sorted({name} | graph.find_descendants(name)), graph)
    for group in circles(graph):
        print(f"circle of {len(group)}: {', '.join(sorted(group))}")
    print(f"contracts: {contract_lines(checkout)} lines")


if __name__ == "__main__":
    main()
