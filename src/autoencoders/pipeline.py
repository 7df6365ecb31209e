"""The table of the pipeline's stages, used by the command line, tracking, benchmarks and tests.

`stages/<name>.py` implements a stage; `dependencies.py` implements `sources`. A test compares
`dvc.yaml` with this table.
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
        name: also the name of its module in `stages/` and of its command.
        matrix: the stage runs once for each combination of these: datasets, variants.
        cost: the approximate duration of one run, relative to the other stages.
        on_gpu: it computes on a GPU if one is available.
        distributed: torchrun may run it in several processes.
        tracked: each of its runs is a run in MLflow.
        outputs: its output files and folders, with the placeholders `{dataset}` and `{variant}`.
    """

    name: str
    matrix: tuple[str, ...] = ()
    cost: float = 1
    on_gpu: bool = False
    distributed: bool = False
    tracked: bool = True
    outputs: tuple[Path, ...] = ()


DATASET = ("{dataset}",)
PAIR = ("{dataset}", "{variant}")  # of a dataset and a variant
TRAINED = tuple(paths.model(*PAIR) / file for file in (paths.WEIGHTS, paths.HISTORY, paths.RECORD))
CLASSIFIER = (paths.classifier(*DATASET), paths.classifier_metrics(*DATASET))
FIGURES = (paths.figures(*PAIR), paths.section(*PAIR))
REPORT = (paths.RESULTS, paths.REPORT, paths.OVERVIEW, paths.HEADLINE, paths.CURVES)

# In the order of the pipeline.
STAGES = (
    Stage("sources", tracked=False, outputs=(paths.SOURCES,)),
    Stage("fetch", ("dataset",), outputs=(paths.raw(*DATASET),)),
    Stage("prepare", ("dataset",), outputs=(paths.prepared(*DATASET),)),
    Stage("classify", ("dataset",), cost=10, on_gpu=True, outputs=CLASSIFIER),
    Stage("pixels", ("dataset",), cost=4, outputs=(paths.pixels(*DATASET),)),
    Stage("train", ("dataset", "variant"), 20, on_gpu=True, distributed=True, outputs=TRAINED),
    Stage("evaluate", ("dataset", "variant"), 5, on_gpu=True, outputs=(paths.metrics(*PAIR),)),
    Stage("figures", ("dataset", "variant"), cost=4, on_gpu=True, outputs=FIGURES),
    Stage("report", outputs=REPORT),
)
BY_NAME = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class Item:
    """One run of a stage, with its dataset and its variant; "" if the stage has none."""

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
        """Its tags: `stage`, and if it has them `dataset` and `variant`."""
        parts = {"stage": self.stage, "dataset": self.dataset, "variant": self.variant}
        return {name: part for name, part in parts.items() if part}

    @property
    def command(self) -> tuple[str, ...]:
        """The words of its command in dvc.yaml, such as `autoencoders train mnist vae`."""
        return "autoencoders", *self.tags.values()

    @property
    def outputs(self) -> list[Path]:
        """Its output files and folders."""
        outputs = BY_NAME[self.stage].outputs
        return [Path(str(path).format(**self.tags)) for path in outputs]


def items(datasets: list[str], variants: list[str]) -> Iterator[Item]:
    """Yield all runs of all tracked stages, in the order of the pipeline."""
    names = {"dataset": datasets, "variant": variants}
    for stage in (stage for stage in STAGES if stage.tracked):
        for values in product(*(names[axis] for axis in stage.matrix)):
            yield Item(stage.name, **dict(zip(stage.matrix, values, strict=True)))


def producing_item(path: Path) -> Item | None:
    """Return the run that writes a file or folder, or None if no stage writes it."""
    names = {axis: rf"(?P<{axis}>\w+)" for axis in ("dataset", "variant")}
    for stage in STAGES:
        for output in stage.outputs:
            if match := re.match(f"{output.as_posix().format(**names)}(/|$)", path.as_posix()):
                return Item(stage.name, **match.groupdict())
    return None


def message_with_advice(error: UserError) -> str:
    """Return an error's message; for a missing or damaged file, with the command that writes it."""
    if not isinstance(error, MissingFileError | DamagedFileError):
        return str(error)
    item = producing_item(error.path)
    if item is None:
        return str(error)
    command = "dvc repro" if isinstance(error, MissingFileError) else "dvc repro -f -s"
    return f"{error}: run `{command} {item.name}`"
