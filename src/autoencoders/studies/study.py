"""The description of a study and of its trials' results; no library of studies is needed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from annotated_types import MinLen

from autoencoders.param_types import Rate
from autoencoders.training.history import Row

Values = dict[str, Any]  # of one trial: dotted key → value, as JSON


def set_values(content: dict[str, Any], values: Values) -> None:
    """Set dotted keys of nested content; a parent that is missing or no mapping becomes one."""
    for key, value in values.items():
        *parents, last = key.split(".")
        place = content
        for name in parents:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[last] = value


@dataclass(frozen=True)
class Choice:
    """One of `values`, each with the same probability."""

    values: Annotated[list[Any], MinLen(1)]


@dataclass(frozen=True)
class Uniform:
    """A number between `low` and `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class LogUniform:
    """A number between `low` and `high` whose logarithm is uniform."""

    low: Rate
    high: Rate


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True)
class Grid:
    """Each of `values` once, together with each value of all other grids."""

    values: Annotated[list[Any], MinLen(1)]


Domain = Choice | Uniform | LogUniform | Integer | Grid


@dataclass(frozen=True)
class Study:
    """Trainings that belong together; each is a trial with its own values.

    Attributes:
        name: such as `seeds@mnist-vae`; also the name of the folder of its state.
        digest: the SHA-256 of all that affects the results.
        space: the possible values by key.
        samples: how often values are drawn.
        metric: a column of the history or of the final metrics; "" if values are not compared.
        lower_is_better: whether lower values of `metric` are better.
        searcher: how values are drawn.
        scheduler: whether trials with bad values end early.
        seed: the seed of the searcher.
    """

    name: str
    digest: str
    space: Mapping[str, Domain]
    samples: int = 1
    metric: str = ""
    lower_is_better: bool = True
    searcher: Literal["tpe", "random", "grid"] = "grid"
    scheduler: Literal["none", "asha"] = "none"
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """The result of a trial.

    Attributes:
        values: the values of this trial.
        history: one row per epoch.
        metrics: the final metrics; empty after an error.
        error: why the trial failed; "" if it did not.
        seconds: its duration.
    """

    values: Values
    history: Sequence[Row] = field(default_factory=list)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Machines:
    """Where a study runs.

    Attributes:
        address: the address of a Ray cluster; None starts Ray on this machine.
        jobs: the number of cores to use here, or of trials at once on a cluster; 0 for no limit.
        gpus: the number of GPUs of a trial, or a part of one.
        storage: a folder or an S3 address that all machines reach; None for one machine.
    """

    address: str | None
    jobs: int
    gpus: float
    storage: str | None


def ranked(study: Study, outcomes: Sequence[Outcome]) -> dict[int, Outcome]:
    """Return number → outcome of the trials that have a finite metric, from best to worst."""
    finite = [
        (outcome.metrics[study.metric], number)
        for number, outcome in enumerate(outcomes)
        if math.isfinite(outcome.metrics.get(study.metric, math.nan))
    ]
    order = sorted(finite, key=lambda pair: pair[0] if study.lower_is_better else -pair[0])
    return {number: outcomes[number] for _, number in order}


def best_epoch(history: Sequence[Row]) -> Row:
    """Return the row with the lowest validation loss; empty without a finished epoch."""
    return min(history, key=lambda row: row["validation_loss"], default={})


class Listener(Protocol):
    """Receives the progress of a study in the process that runs it; `trial` is a number as text.

    If a study continues, its earlier epochs and results come again.
    """

    def epoch(self, trial: str, values: Values, row: Row) -> None:
        """Receive a finished epoch: a row of the history."""
        ...

    def end(self, trial: str, outcome: Outcome) -> None:
        """Receive the result of a trial that has ended."""
        ...
