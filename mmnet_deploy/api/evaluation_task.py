"""What is evaluated, how, and what becomes of it."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet_deploy.api.models import StrPath
from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.mattes.matting import Matting
    from mmnet_deploy.mattes.metric import Metric
    from mmnet_deploy.portraits.masks import MaskValues
    from mmnet_deploy.results.records import Evaluation
    from mmnet_deploy.tflite.card import ModelFile

DEFAULT_WORST = 8
"""Pictures on a sheet."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What is evaluated, how, and what becomes of it besides the table.

    Attributes:
        size: Height and width in pixels to compare at; None for each picture's own.
        wanted: The metrics to show.
        ranked_by: The one that says which pictures are worst.
        mask_values: What class numbers in the masks mean; None for masks of alpha.
        upsample: How mattes are enlarged before they are compared.
        told: See `told_words`; stored with the results.
    """

    data: Path
    split: str
    size: tuple[int, int] | None
    wanted: tuple[Metric, ...]
    ranked_by: Metric
    mask_values: MaskValues | None = None
    upsample: str = "bilinear"
    folder: Path | None = None
    per_image: Path | None = None
    raw_cells: bool = False
    worst: int | None = None
    sheet: Path | None = None
    save: Path | None = None
    save_kind: str | None = None
    told: tuple[str, ...] = ()

    @property
    def computed(self) -> tuple[Metric, ...]:
        """What is stored has the default metrics too, since the charts need them."""
        from mmnet_deploy.mattes import metrics

        default = metrics.named() if self.folder else ()
        return metrics.named([metric.name for metric in (*self.wanted, *default)])

    def check(self, models: int) -> None:
        """Refuse what cannot be done, before anything is computed.

        Raises:
            UsageError, MissingDependencyError, OutputError: A file or a number is wrong.
        """
        from mmnet_deploy.files import check_folder
        from mmnet_deploy.mattes import enlargement, outputs

        enlargement.check_upsample(self.upsample)
        if self.save_kind is not None:
            outputs.check_form(self.save_kind)
            if self.save is None:
                raise UsageError("`--save-kind` needs --save DIR to save the mattes in.")
        if self.per_image:
            from mmnet_deploy.results import table_file

            table_file.check_file(self.per_image)
        if self.sheet is None and self.worst is not None:
            raise UsageError("`--worst` needs --sheet FILE.png to draw them on.")
        if self.sheet:
            from mmnet_deploy.charts import style

            style.file_kind(self.sheet)
            if not self.worst or not 1 <= self.worst <= 60:
                raise UsageError(f"`worst` must be 1 … 60. Received: {self.worst}.")
            if models > 1:
                raise UsageError(f"`--sheet` shows one model's mattes. Received: {models} models.")
        for path in (self.per_image, self.sheet):
            if path:
                check_folder(path.parent)
        if self.save:
            from mmnet_deploy.portraits.dataset import require_apart

            check_folder(self.save)
            require_apart("--save", self.save)

    def sink(self, model: ModelFile, taken: dict[str, str] | None) -> Any:
        """What saves a model's mattes; of several models each in a folder of its own.

        Args:
            taken: The folders of the other models with the hash of the model of each; this
                model's is added. None if there are no others.
        """
        if not self.save:
            return None
        from mmnet_deploy.files import make_folder
        from mmnet_deploy.mattes import outputs

        folder = self.save if taken is None else self.save / _folder_name(model, taken)
        return outputs.saver(make_folder(folder), self.save_kind or "matte", self.upsample)

    def draw_worst(self, model: Matting, result: Evaluation) -> None:
        """Compute the worst pictures once more and draw them, if a sheet is asked for."""
        if not (self.sheet and self.worst):
            return
        from mmnet_deploy.charts.sheets import contact_sheet
        from mmnet_deploy.evaluation import worst
        from mmnet_deploy.mattes.enlargement import enlarged
        from mmnet_deploy.portraits import dataset

        pairs = {
            pair.name: pair for pair in dataset.find_pairs(self.data, self.split, self.mask_values)
        }
        entries = []
        for picture in worst(result, self.ranked_by, self.worst):
            image, mask = dataset.read_pair(pairs[picture.name])
            matte = enlarged(model.matte(image), image, self.upsample)
            figure = self.ranked_by.shown(picture.scores[self.ranked_by.name])
            score = f"{self.ranked_by.title} {figure} {self.ranked_by.unit}".rstrip()
            entries.append(contact_sheet.Entry(picture.name, score, image, mask, matte))
        contact_sheet.draw(
            entries,
            self.sheet,
            title=f"Worst {len(entries)} of {len(result.pictures)} by {self.ranked_by.title}",
            subtitle=f"{result.model.name} on {where(result)}",
        )

    def write_scores(self, results: Sequence[Evaluation]) -> None:
        """Write the table of every picture's scores, if it is asked for."""
        if self.per_image:
            from mmnet_deploy.evaluation import score_table

            score_table.write(results, self.per_image, raw=self.raw_cells)


def where(result: Evaluation) -> str:
    """What was evaluated on, in a line."""
    count = len(result.pictures)
    return f"{result.data}/{result.split}, {count} pictures at {result.size_name}"


def _folder_name(model: ModelFile, taken: dict[str, str]) -> str:
    """The model's name, with its hash where another model has that name."""
    name = re.sub(r"\.(tflite|lite|keras)$", "", model.name.replace("/", "-"), flags=re.IGNORECASE)
    for chosen in (name, f"{name}-{model.sha256[:8]}"):
        # File systems may take two forms of a name for the same.
        key = unicodedata.normalize("NFC", chosen).casefold()
        if taken.setdefault(key, model.sha256) == model.sha256:
            break
    return chosen


def told_words(**options: Any) -> tuple[str, ...]:
    """What is said of the model and of the masks, which changes the scores, as words of a command.

    Args:
        options: By the parameters' names; those that are None, False or empty are not told.
    """
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False or value == "":
            continue
        words.append(f"--{name.replace('_', '-')}")
        if name == "output_size" and not isinstance(value, str):
            value = "x".join(map(str, value))
        if value is not True:
            values = value if isinstance(value, (tuple, list)) else (value,)
            words += [f"{v:.17g}" if isinstance(v, float) else str(v) for v in values]
    return tuple(words)


def task_of(
    data: StrPath,
    *,
    split: str,
    metric: str | Sequence[str],
    eval_size: str | tuple[int, int] | None,
    mask_values: str,
    worst: int | None,
    **options: Any,
) -> Task:
    """The task that the parameters of `evaluate` describe.

    Args:
        metric: The first one ranks the pictures.
        options: The other fields of `Task`; paths also as texts.

    Raises:
        UsageError: There is no such metric, or no such size.
    """
    from mmnet_deploy.mattes import metrics
    from mmnet_deploy.portraits.masks import parse_mask_values

    names = metrics.listed(metric)
    wanted = metrics.named(names)
    for name in ("folder", "per_image", "sheet", "save"):
        options[name] = None if options[name] is None else Path(options[name])
    return Task(
        data=Path(data),
        split=split,
        size=size_of(eval_size),
        mask_values=parse_mask_values(mask_values),
        wanted=wanted,
        ranked_by=next(one for one in wanted if not names or one.name == names[0]),
        worst=worst if worst is not None or options["sheet"] is None else DEFAULT_WORST,
        **options,
    )


def size_of(size: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width in pixels, also as `HEIGHTxWIDTH`; `native` is None.

    Raises:
        UsageError: It is no such size.
    """
    if size is None or size == "native":
        return None
    text = size if isinstance(size, str) else "x".join(map(str, size))
    height, _, width = text.lower().partition("x")
    if height.isdecimal() and width.isdecimal():
        found = int(height), int(width)
        if min(found) >= 16 and max(found) <= 8192:
            return found
    raise UsageError(
        f"`eval_size` must be HEIGHTxWIDTH, each 16 to 8192, or native. Received: {text}."
    )
