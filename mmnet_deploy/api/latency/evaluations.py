"""`bench --data`: the evaluations that the chart needs besides latencies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.api.faults import OnError
from mmnet_deploy.errors import DataError, MissingDependencyError, ModelFileError
from mmnet_deploy.progress import Progress, Tell
from mmnet_deploy.results.records import Evaluation, Record


def check_data(data: Path, split: str) -> None:
    """Make sure that a split is there, before anything is measured.

    Raises:
        DataError: It is not.
    """
    from mmnet_deploy.portraits import dataset

    dataset.find_pairs(data, split)


def score_for_chart(
    models: Sequence[Path],
    data: Path,
    split: str,
    folder: Path,
    known: Sequence[Record],
    *,
    progress: Progress,
    tell: Tell,
    on_error: OnError,
) -> None:
    """Evaluate .tflite files as the command does without options, and store the results.

    Args:
        known: Results that need not be made again.
        on_error: Takes those that cannot be evaluated; the others go on.
    """
    from mmnet_deploy import evaluation
    from mmnet_deploy.files import sha256
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.mattes.metrics import PUBLISHED_SIZE
    from mmnet_deploy.results import store

    done: set[str] = set()
    if any(isinstance(record, Evaluation) for record in known):
        wanted = (evaluation.data_sha256(data, split), split, PUBLISHED_SIZE)
        done = {
            record.model.sha256
            for record in known
            if isinstance(record, Evaluation)
            and (record.data_sha256, record.split, (record.height_px, record.width_px)) == wanted
            and record.upsample == "bilinear"
        }
    for path in models:
        try:
            if sha256(path) not in done:
                model = open_model(path)
                if model.note:
                    tell(model.note)
                store.save(evaluation.evaluate(model, data, split, progress=progress), folder)
        except (ModelFileError, DataError, MissingDependencyError) as error:
            on_error(path.name, error)
