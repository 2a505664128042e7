"""How wrong mattes are."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.api.evaluation_task import Task, task_of, told_words
from mmnet_deploy.api.faults import Faults, OnError, each_usable
from mmnet_deploy.api.models import StrPath, check_threads, meaning_of, paths_of
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.portraits.output import Meaning
    from mmnet_deploy.results.records import Evaluation


@with_plain_numbers
def evaluate(
    models: StrPath | Sequence[StrPath],
    data: StrPath,
    *,
    split: str = "test",
    metric: str | Sequence[str] = (),
    eval_size: str | tuple[int, int] | None = "800x600",
    upsample: str = "bilinear",
    mask_values: str = "",
    threads: int | None = None,
    output: str | None = None,
    alpha_channel: int | None = None,
    output_size: str | tuple[int, int] | None = None,
    input_range: tuple[float, float] | None = None,
    unsafe: bool = False,
    offline: bool = False,
    out: StrPath | None = None,
    per_image: StrPath | None = None,
    raw_cells: bool = False,
    worst: int | None = None,
    sheet: StrPath | None = None,
    save: StrPath | None = None,
    save_kind: str | None = None,
    progress: Progress = silent,
    tell: Tell = quiet,
    on_error: OnError | None = None,
) -> list[Evaluation]:
    """Compare the mattes of models with a split's masks.

    All models are looked at before the first is evaluated. A result is stored as soon as it is
    there, if `out` is given.

    Args:
        models: One model or several, as `Matting` takes them.
        data: Folder of the data set.
        split: The split of it.
        metric: Names of metrics; by default gradient_error, mad, sad, mse and mean_iou. On
            request: rhemann_gradient, connectivity, and dtssd for the frames of clips. The first
            one says which pictures are worst.
        eval_size: Height and width in pixels to compare at, also as `HEIGHTxWIDTH`; `native` or
            None for each picture's own.
        upsample: How mattes are enlarged before: `bilinear`, as the published definition says, or
            `guided` by the picture, as `Matting` and `predict` do.
        mask_values: What the values mean in masks of class numbers, such as `0,1`. By default
            masks hold alpha.
        threads, output, alpha_channel, output_size, input_range, unsafe, offline: See `Matting`.
        out: Folder to store the results in.
        per_image: A `.csv` or `.parquet` file for every picture's scores.
        raw_cells: Write texts into the CSV file as they are.
        worst: Number of pictures on the sheet.
        sheet: A `.png` file for the pictures with the worst scores, of one model.
        save: Folder to save every matte in as NAME.png; of several models, each in a folder.
        save_kind: What to save: `matte`, `mask`, `under-matte` or `side-by-side`.
        progress: Told of pictures and downloads; see `mmnet_deploy.progress`.
        tell: Takes a line of news, such as that XNNPACK refuses a model.
        on_error: Takes the name of each of several models that gives no result, and why; the
            others go on.

    Returns:
        One for each model that has a result, in order. `scores` has the mean of each metric over
        the pictures, in plain units: gradient_error 0.00262 is 2.62 ×10⁻³. `pictures` has the
        scores of each. `constant_scores` are those of a matte of one value on the same pictures,
        and `better_than_constant` says on how many the model's gradient error is less.

    Raises:
        UsageError: An argument is wrong.
        DataError: The data set cannot be used.
        ModelFileError, MissingDependencyError: A model cannot be used.
        IncompleteError: Without `on_error`, one of several models gave no result; the error has
            those of the others.
        OutputError: A file cannot be written, or another process writes there.

    Example:
        >>> (result,) = evaluate("model.tflite", "portraits", metric="mad", out="results")
        >>> 0 < result.scores["mad"] < 1
        True
    """
    task = task_of(
        data,
        split=split,
        metric=metric,
        eval_size=eval_size,
        upsample=upsample,
        mask_values=mask_values,
        worst=worst,
        folder=out,
        per_image=per_image,
        raw_cells=raw_cells,
        sheet=sheet,
        save=save,
        save_kind=save_kind,
        told=told_words(
            mask_values=mask_values,
            output=output,
            alpha_channel=alpha_channel,
            output_size=output_size,
            input_range=input_range,
            unsafe=unsafe,
        ),
    )
    meaning = meaning_of(output, alpha_channel, output_size, input_range)
    paths = paths_of(models, offline=offline, progress=progress, tell=tell)
    if not paths:
        raise UsageError("`models` must name at least one model. Received: none.")
    task.check(len(paths))
    check_threads(paths, threads)
    if len(paths) == 1:
        on_error = None
    usable = [path for path, _ in each_usable(paths, _look(meaning), on_error)]
    with contextlib.ExitStack() as stack:
        if task.save and usable:
            from mmnet_deploy.files import locked

            # Two models' mattes of one picture have the same name.
            stack.enter_context(locked(task.save))
        model_options = _Opening(meaning, threads, unsafe)
        results = _evaluated(usable, model_options, task, len(paths) > 1, progress, tell, on_error)
    task.write_scores(results)
    return results


@dataclasses.dataclass(frozen=True)
class _Opening:
    """How models are opened; see `mattes.matting.open_model`."""

    meaning: Meaning
    threads: int | None
    unsafe: bool


def _look(meaning: Meaning):
    """What looks at a model before the first is evaluated, so that a fault is seen early."""
    from mmnet_deploy.mattes.matting import open_tflite
    from mmnet_deploy.tflite.card import is_tflite

    def look(path: Path) -> None:
        if is_tflite(path):
            open_tflite(path, meaning=meaning)
        elif not path.exists():
            raise ModelFileError(f"There is no file or folder {path}.")

    return look


def _evaluated(
    models: Sequence[Path],
    opening: _Opening,
    task: Task,
    is_one_of_several: bool,
    progress: Progress,
    tell: Tell,
    on_error: OnError | None,
) -> list[Evaluation]:
    """Evaluate one model after the other; each result is stored at once.

    Raises:
        IncompleteError: See `evaluate`.
    """
    from mmnet_deploy import evaluation
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.results import store

    if task.folder:
        make_folder(task.folder)
    taken: dict[str, str] | None = {} if is_one_of_several else None
    faults = Faults()
    if is_one_of_several:
        on_error = on_error or faults.note

    def evaluated(path: Path) -> Evaluation:
        model = open_model(path, opening.threads, meaning=opening.meaning, unsafe=opening.unsafe)
        if model.note:
            tell(model.note)
        result = evaluation.evaluate(
            model,
            task.data,
            task.split,
            size=task.size,
            upsample=task.upsample,
            wanted=task.computed,
            mask_values=task.mask_values,
            sink=task.sink(model.file, taken),
            progress=progress,
        )
        if task.folder:
            store.save(dataclasses.replace(result, options=task.told), task.folder)
        task.draw_worst(model, result)
        return result

    results = [result for _, result in each_usable(models, evaluated, on_error)]
    faults.raise_any(results)
    return results
