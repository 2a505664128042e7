"""Models on several data sets, as the tables of docs/results.md.

    python benchmarks/three_sets.py RESULTS --data eg1800 aisegment aim500 \
        --models mediapipe:selfie pretrained:mmnet-1.0-256 "own name=runs/a" model.tflite

Every model is evaluated on the test split of every data set; a network is a run, a `.keras` or
`.tflite` file, or a name, with what it is called in the tables before it if that is to be another.
RESULTS/SET holds the stored results of a set, as `mmnet-deploy plot` and `report` take them.

For each set, a table has the means with their 95 % intervals over the pictures, the scores of a
matte of one value, and on how many pictures each model has less gradient error than that. Then
follows what each differs from the first model, or from --reference, picture by picture, with the
p-values of paired permutation tests. These are not corrected for their number. --order adds what
each differs from the one with the next smaller gradient error.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import quality_tables as tables

import mmnet_deploy
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.results.records import Evaluation


def named(models: Sequence[str]) -> dict[str, str]:
    """What each model is called in the tables, with the model itself.

    Raises:
        SystemExit: Two have one name.
    """
    found: dict[str, str] = {}
    for words in models:
        name, equals, model = words.partition("=")
        if not equals or Path(words).exists():
            name, model = words, words
        if name in found:
            raise SystemExit(f"Two models are called {name}. Name one: NAME=MODEL.")
        found[name] = model
    return found


def _stop(name: str, error: Exception) -> None:
    """Give up as soon as one of the models cannot be used, before the others are evaluated."""
    raise error


def evaluated(models: Mapping[str, str], data: Path, folder: Path) -> dict[str, Evaluation]:
    """Every model on the test split of a set, by the names of the tables."""
    print(f"{len(models)} models on {data}", file=sys.stderr, flush=True)
    results = mmnet_deploy.evaluate(list(models.values()), data, out=folder, on_error=_stop)
    return dict(zip(models, results, strict=True))


def print_set(results: Mapping[str, Evaluation], reference: str) -> None:
    """The two tables of a set."""
    first = results[reference]
    print(f"### {first.data}/{first.split}, {len(first.pictures)} pictures at {first.size_name}\n")
    head = ["", *tables.TITLES, "better than one value on"]
    rows = [
        [name, *tables.with_intervals(result), tables.better_than_constant(result)]
        for name, result in results.items()
    ]
    rows.append([tables.CONSTANT, *tables.scores(first.constant_scores), ""])
    tables.show(head, rows)
    others = {name: result for name, result in results.items() if name != reference}
    if others:
        head = [f"against {reference}", *(title.partition(" (")[0] for title in tables.TITLES)]
        tables.show(head, [[name, *tables.changes(first, it)] for name, it in others.items()])


def print_order(results: Mapping[str, Evaluation]) -> None:
    """The models from the smallest gradient error on, each against the one before it."""
    ordered = sorted(results.items(), key=lambda item: item[1].scores["gradient_error"])
    rows = [
        [f"{name}, against {before}", *tables.changes(results[before], result)]
        for (before, _), (name, result) in itertools.pairwise(ordered)
    ]
    tables.show(["in order", *(title.partition(" (")[0] for title in tables.TITLES)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder to write")
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--models", nargs="+", required=True, metavar="[NAME=]MODEL")
    parser.add_argument("--reference", metavar="NAME", help="default: the first model")
    parser.add_argument("--order", action="store_true")
    options = parser.parse_args()
    models = named(options.models)
    reference = options.reference or next(iter(models))
    if reference not in models:
        parser.error(f"--reference must be one of {', '.join(models)}. Received: {reference}.")
    sets = {data.resolve().name: data for data in options.data}
    if len(sets) < len(options.data):
        parser.error(f"--data must have folders of different names. Received: {options.data}.")
    for data in sets.values():
        if not (data / "test").is_dir():
            parser.error(f"--data must have a test split: there is no {data / 'test'}.")
    try:
        found = [evaluated(models, data, options.results / name) for name, data in sets.items()]
    except MmnetDeployError as error:
        raise SystemExit(f"Error: {error}") from error
    for results in found:
        print_set(results, reference)
        if options.order:
            print_order(results)


if __name__ == "__main__":
    main()
