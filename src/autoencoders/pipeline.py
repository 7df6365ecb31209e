"""The pipeline's stages, once: their names, what each runs for, what is true of them alone.

The command line, `autoencoders track`, the benchmark and the tests derive from this table, and
`dvc.yaml` is held against it. How a stage does its work is `stages/<name>.py`, and
`dependencies.py` that of `sources`.
"""

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
        writes: folders in which it has a file or a folder for each of these, named after them.
        cost: how long one run takes beside those of other stages, roughly.
        on_gpu: it computes there, where there is one.
        processes: torchrun may share one run of it among several processes.
        tracked: each of its runs is one in MLflow.
    """

    name: str
    matrix: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    cost: float = 1
    on_gpu: bool = False
    processes: bool = False
    tracked: bool = True


EACH = ("dataset", "variant")
# Upstream first.
STAGES = (
    Stage("sources", (), ("data/sources",), tracked=False),
    Stage("fetch", ("dataset",), ("data/raw",)),
    Stage("prepare", ("dataset",), ("data/prepared",)),
    Stage("classify", ("dataset",), ("reports/classifiers",), cost=10, on_gpu=True),
    Stage("pixels", ("dataset",), ("reports/pixels",), cost=4),
    Stage("train", EACH, ("models",), cost=20, on_gpu=True, processes=True),
    Stage("evaluate", EACH, ("reports/metrics",), cost=5, on_gpu=True),
    Stage("figures", EACH, ("reports/figures", "reports/sections"), cost=4, on_gpu=True),
    Stage("report", (), ("reports",)),
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


def items(datasets: list[str], variants: list[str]) -> Iterator[Item]:
    """Yield all runs of all stages that are tracked, upstream first."""
    names = {"dataset": datasets, "variant": variants}
    for stage in (stage for stage in STAGES if stage.tracked):
        for values in product(*(names[axis] for axis in stage.matrix)):
            yield Item(stage.name, **dict(zip(stage.matrix, values, strict=True)))


def maker(path: Path) -> Item | None:
    """Return the stage that writes a file or a folder, or a part of one; None where none does."""
    for stage, folder in ((one, folder) for one in STAGES for folder in one.writes):
        if path.is_relative_to(folder):
            names = [name.removesuffix(".json") for name in path.relative_to(folder).parts]
            if names[1:2] == [paths.CLASSIFIER]:  # which lies among the variants
                return Item("classify", names[0])
            if len(names) >= len(stage.matrix):
                return Item(stage.name, *names[: len(stage.matrix)])
    return None


def advice(error: UserError) -> str:
    """Return an error's message, with the command that makes a missing or damaged file again."""
    item = maker(error.path) if isinstance(error, MissingFileError | DamagedFileError) else None
    if item is None:
        return str(error)
    command = "dvc repro" if isinstance(error, MissingFileError) else "dvc repro -f -s"
    return f"{error}: run `{command} {item.name}`"
