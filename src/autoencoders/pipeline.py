"""The pipeline's stages, once: their names, what each runs for, what is true of them alone.

The command line, `autoencoders track`, the benchmark and the tests derive from this table, and
`dvc.yaml` is held against it. How a stage does its work is `stages/<name>.py`, and
`dependencies.py` that of `sources`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from autoencoders import paths
from autoencoders.errors import UserError
from autoencoders.files import DamagedFileError, MissingFileError


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml.

    Attributes:
        name: of the stage, of its module in `stages/`, and of its command.
        matrix: what it runs once for each of.
        cost: how long one run takes beside those of other stages, roughly.
        on_gpu: it computes there, where there is one.
        distributed: torchrun may share one run of it among several processes.
        tracked: each of its runs is one in MLflow.
        outputs: the files and folders that it writes, with `{dataset}` and `{variant}` in them.
    """

    name: str
    matrix: tuple[str, ...] = ()
    cost: float = 1
    on_gpu: bool = False
    distributed: bool = False
    tracked: bool = True
    outputs: tuple[Path, ...] = ()


DATASET = ("{dataset}",)
BOTH = ("{dataset}", "{variant}")
TRAINED = tuple(paths.model(*BOTH) / file for file in (paths.WEIGHTS, paths.HISTORY, paths.RECORD))
CLASSIFIER = (paths.classifier(*DATASET), paths.classifier_metrics(*DATASET))
DRAWN = (paths.figures(*BOTH), paths.section(*BOTH))
REPORT = (paths.RESULTS, paths.REPORT, paths.OVERVIEW, paths.HEADLINE, paths.CURVES)

# Upstream first.
STAGES = (
    Stage("sources", tracked=False, outputs=(paths.SOURCES,)),
    Stage("fetch", ("dataset",), outputs=(paths.raw(*DATASET),)),
    Stage("prepare", ("dataset",), outputs=(paths.prepared(*DATASET),)),
    Stage("classify", ("dataset",), cost=10, on_gpu=True, outputs=CLASSIFIER),
    Stage("pixels", ("dataset",), cost=4, outputs=(paths.pixels(*DATASET),)),
    Stage("train", ("dataset", "variant"), 20, on_gpu=True, distributed=True, outputs=TRAINED),
    Stage("evaluate", ("dataset", "variant"), 5, on_gpu=True, outputs=(paths.metrics(*BOTH),)),
    Stage("figures", ("dataset", "variant"), cost=4, on_gpu=True, outputs=DRAWN),
    Stage("report", outputs=REPORT),
)
BY_NAME = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class Item:
    """One run of a stage: on which dataset and variant; "" where the stage has none."""

    stage: str
    dataset: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """The name in DVC: `train@mnist-vae`, `fetch@mnist`, `report`."""
        item = "-".join(part for part in (self.dataset, self.variant) if part)
        return f"{self.stage}@{item}" if item else self.stage

    @property
    def tags(self) -> dict[str, str]:
        """The tags `stage`, `dataset` and `variant`, as far as the stage has them."""
        parts = {"stage": self.stage, "dataset": self.dataset, "variant": self.variant}
        return {name: part for name, part in parts.items() if part}

    @property
    def command(self) -> tuple[str, ...]:
        """What runs it, as dvc.yaml has it: `autoencoders train mnist vae`, word by word."""
        return "autoencoders", *self.tags.values()

    @property
    def outputs(self) -> list[Path]:
        """The files and folders that it writes."""
        outputs = BY_NAME[self.stage].outputs
        return [Path(str(path).format(**self.tags)) for path in outputs]


def items(datasets: list[str], variants: list[str]) -> Iterator[Item]:
    """Yield all runs of all stages that are tracked, upstream first."""
    names = {"dataset": datasets, "variant": variants}
    for stage in (stage for stage in STAGES if stage.tracked):
        for values in product(*(names[axis] for axis in stage.matrix)):
            yield Item(stage.name, **dict(zip(stage.matrix, values, strict=True)))


def producing_item(path: Path) -> Item | None:
    """Return the stage that writes a file or a folder, or a part of one; None where none does."""
    names = {axis: rf"(?P<{axis}>\w+)" for axis in ("dataset", "variant")}
    for stage in STAGES:
        for output in stage.outputs:
            if found := re.match(f"{output.as_posix().format(**names)}(/|$)", path.as_posix()):
                return Item(stage.name, **found.groupdict())
    return None


def message_with_advice(error: UserError) -> str:
    """Return an error's message, with the command that makes a missing or damaged file again."""
    item = (
        producing_item(error.path)
        if isinstance(error, MissingFileError | DamagedFileError)
        else None
    )
    if item is None:
        return str(error)
    command = "dvc repro" if isinstance(error, MissingFileError) else "dvc repro -f -s"
    return f"{error}: run `{command} {item.name}`"
