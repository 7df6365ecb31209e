"""One trial of a study: train a variant with its values, and measure it. It needs no repository."""

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from autoencoders import files, params, paths
from autoencoders.datasets.prepared import Metadata, Prepared
from autoencoders.device import device, exact_device
from autoencoders.errors import UserError
from autoencoders.evaluation.measure import measure_all
from autoencoders.evaluation.results import headline
from autoencoders.param_types import Bytes
from autoencoders.params import Params
from autoencoders.studies.study import Values, best_epoch, set_values
from autoencoders.trained import classifier, variant
from autoencoders.trained.classifier import Judge
from autoencoders.trained.training import train_on
from autoencoders.training.history import Progress, Row

ITEM, SEED = "item", "seed"  # keys of values that are not keys of a variant
HISTORY = "history.json"  # next to the checkpoint
Report = Callable[[Sequence[Row]], None]


@dataclass(frozen=True)
class SharedDataset:
    """All that trials need of a dataset; Ray sends it to each machine once.

    Attributes:
        metadata: the description of its splits.
        splits: split → images `(N, C, H, W)` and labels `(N,)`, uint8.
        judge: its classifier; None without one.
        classifier_sha256: the SHA-256 of the classifier's weights; None without one.
    """

    metadata: Metadata
    splits: Mapping[str, tuple[Bytes, Bytes]]
    judge: Judge | None
    classifier_sha256: str | None


@dataclass(frozen=True)
class Task:
    """What the trials of a study have in common.

    Attributes:
        content: the content of params.yaml.
        constants: values of all trials.
        split: the images on which to measure the trained variant; None to measure nothing.
        initial_weights: the files of weights that trials start from, by `training.initial_weights`.
    """

    content: Any
    constants: Values
    split: Literal["test", "validation"] | None
    initial_weights: Mapping[str, bytes] = field(default_factory=dict)

    def item(self, values: Values) -> tuple[str, str]:
        """Return the dataset and the variant of a trial."""
        dataset, _, name = (self.constants | values)[ITEM].partition("/")
        return dataset, name

    def params(self, values: Values) -> Params:
        """Return the params of a trial.

        Raises:
            UserError: a value is not allowed.
        """
        content, (_, name) = deepcopy(self.content), self.item(values)
        content[SEED] = values.get(SEED, content[SEED])
        of_variant = {key: value for key, value in values.items() if key not in (ITEM, SEED)}
        set_values(content["variants"][name], of_variant)
        return params.parse(content, "the trial")


def share(dataset: str, with_judge: bool) -> SharedDataset:
    """Read a prepared dataset of this repository; with `with_judge` its classifier too.

    Raises:
        UserError: a file is missing or damaged.
    """
    data, folder = Prepared(paths.prepared(dataset)), paths.classifier(dataset)
    judge = classifier.load_judge(folder) if with_judge else None
    digest = files.digest(folder / paths.WEIGHTS) if judge else None
    return SharedDataset(
        data.metadata,
        {
            name: (data.images(name).numpy(), data.labels(name).byte().numpy())
            for name in data.metadata.splits
        },
        judge,
        digest,
    )


class SharedImages(Prepared):
    """The splits of a dataset in memory; the interface is that of files."""

    def __init__(self, shared: SharedDataset, test: Literal["test", "validation"]) -> None:
        super().__init__(Path(shared.metadata.dataset), test)
        self.metadata = shared.metadata
        self._opened = {
            name: (_read_only(images), _read_only(labels).long())
            for name, (images, labels) in shared.splits.items()
        }


def read_history(folder: Path) -> list[Row]:
    """Return the rows of the epochs that the checkpoint in `folder` has; none without one."""
    file = folder / HISTORY
    return json.loads(file.read_text()) if file.exists() else []


class Epochs(Progress):
    """Collects the history in a file next to the checkpoint, and reports it after each epoch."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.file = folder / HISTORY
        self.rows = read_history(folder)
        self.report = report

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Report the rows of all epochs until now."""
        self.rows.append(row)
        self.file.write_text(json.dumps(self.rows))
        self.report(self.rows)


def run(
    task: Task, shared: SharedDataset, values: Values, folder: Path, report: Report
) -> Mapping[str, float]:
    """Train and measure; return the metrics on the task's split, or the row of the best epoch.

    Args:
        task: what all trials have in common.
        shared: the trial's dataset.
        values: the trial's values.
        folder: the folder of the checkpoint; an existing checkpoint is continued.
        report: receives the history after each epoch, when its checkpoint is written.

    Raises:
        UserError: the values are not allowed, or the training diverges.
    """
    loaded, name = task.params(values), task.item(values)[1]
    settings, data = loaded.variants[name], SharedImages(shared, task.split or "test")
    if reason := params.why_impossible(settings, shared.metadata.image_shape):
        raise UserError(reason)
    judge = shared.judge
    teacher = judge if settings.objective.takes("perceive") else None
    source = settings.training.initial_weights
    description, trained = train_on(
        data,
        name,
        settings,
        loaded.seed,
        progress=Epochs(folder, report),
        folder=folder,
        perceive=teacher.classifier.to(device()).maps if teacher else None,
        classifier_sha256=shared.classifier_sha256,
        initial_weights=task.initial_weights[source] if source else None,
    )
    if not task.split:
        return best_epoch(trained.history)
    evaluation, exact = loaded.evaluation, exact_device()
    # As the stage `evaluate` computes: the training has changed these.
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)
    with tempfile.TemporaryDirectory() as written:
        variant.save(Path(written), description, trained.variant, trained.history)
        saved = variant.load(Path(written), data, exact, evaluation.batch_size)
        return headline(measure_all(saved, classifier.judge_for(judge, data, exact), evaluation))


def _read_only(array: Bytes) -> Tensor:
    """Return a tensor that shares the memory of a read-only array of any shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.from_numpy(array)
