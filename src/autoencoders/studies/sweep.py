"""A sweep: from its file to a study, and from the outcomes of its trials to its results."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pandas as pd

from autoencoders import dependencies, files, find_weights, params, paths, yaml12
from autoencoders.components import Strict
from autoencoders.datasets.prepared import Metadata, load_metadata
from autoencoders.errors import UserError
from autoencoders.params import Params
from autoencoders.params.editing import with_value
from autoencoders.pipeline import Item
from autoencoders.studies import sweep_file, sweep_page, trial
from autoencoders.studies.study import Choice, Grid, Machines, Outcome, Study, Values, ranked
from autoencoders.studies.sweep_page import as_text, short_names
from autoencoders.studies.trial import ITEM, Task
from autoencoders.tracking.provenance import fingerprint
from autoencoders.tracking.study import StudyRun, study_run
from autoencoders.training.history import Row

RECORD, RESULTS = "study.json", "results.csv"


class Record(Strict):
    """What a later run needs of a finished sweep.

    Attributes:
        digests: what the results depend on → its SHA-256.
        trials: the number of trials.
        failed: the number of failed trials.
        best: the values of the best trial.
        value: its metric.
    """

    digests: dict[str, str]
    trials: int
    failed: int
    best: dict[str, Any]
    value: float


@dataclass(frozen=True)
class Sweep:
    """A sweep over a variant.

    Attributes:
        path: the sweep's file; its name is the sweep's name.
        file: its content.
        params: the content of params.yaml.
    """

    path: Path
    file: sweep_file.SweepFile
    params: Params

    @property
    def folder(self) -> Path:
        """Return the folder of the results."""
        return paths.SWEEPS / self.path.stem

    @cached_property
    def metadata(self) -> Metadata:
        """Return the description of the images."""
        return load_metadata(paths.prepared(self.file.dataset))

    @cached_property
    def digests(self) -> dict[str, str]:
        """Return what the results depend on, each with its SHA-256."""
        variant = self.params.variants[self.file.variant]
        # The trials replace the values of these keys, so their values in params.yaml do not count.
        replaced = sweep_file.with_values(variant, dict.fromkeys(self.file.space))
        digests = {
            str(self.path): fingerprint(self.file.model_dump(mode="json")),
            str(paths.PARAMS): fingerprint({"seed": self.params.seed, "variant": replaced}),
            "the images": self.metadata.sha256,
            "the code": dependencies.code_sha256("train", self.file.variant),
            **{
                f"the weights of {name}": hashlib.sha256(weights).hexdigest()
                for name, weights in self.initial_weights.items()
            },
        }
        if self.file.split is not None:
            used = self.params.model_dump(mode="json", include={"evaluation", "classifier"})
            digests["the settings of the evaluation"] = fingerprint(used)
            code = dependencies.code_sha256("evaluate", self.file.variant)
            digests["the code of the evaluation"] = code
        return digests

    @cached_property
    def initial_weights(self) -> dict[str, bytes]:
        """Return the files of weights that trials start from, by `training.initial_weights`.

        Raises:
            UserError: there are no such weights.
        """
        domain = self.file.domains.get("training.initial_weights")
        of_variant = self.params.variants[self.file.variant].training.initial_weights
        names = domain.values if isinstance(domain, Choice | Grid) else [of_variant]
        return {name: find_weights.read(name) for name in names if name}

    @property
    def study(self) -> Study:
        """Return the study of its trials."""
        file = self.file
        return Study(
            name=f"sweep-{self.path.stem}",
            digest=fingerprint(self.digests),
            space=file.domains,
            samples=file.samples,
            metric=file.metric,
            lower_is_better=file.direction == "minimize",
            searcher=file.searcher,
            scheduler=file.scheduler,
            seed=file.seed,
        )


def load(path: Path) -> Sweep:
    """Return the sweep of a file, over a variant of params.yaml.

    Raises:
        UserError: one of the two files is not valid.
    """
    loaded = params.load()
    return Sweep(path, sweep_file.load(path, loaded), loaded)


def finished(sweep: Sweep) -> Record | None:
    """Return the record of a finished sweep; None if it has not finished.

    Raises:
        UserError: the folder has damaged results, or results that depend on something else.
    """
    advice = f"delete {sweep.folder} to run the sweep again"
    try:
        with files.readable(sweep.folder / RECORD) as path:
            record = Record.model_validate(files.read_json(path))
    except files.MissingFileError:
        return None
    except files.DamagedFileError as error:
        raise UserError(f"{error}: {advice}") from None
    current = sweep.digests
    if changed := [name for name in current if record.digests.get(name) != current[name]]:
        raise UserError(
            f"{', '.join(changed)}: changed since {sweep.folder} was written; "
            f"give the file of the sweep a new name, or {advice}"
        )
    return record


@contextmanager
def run(sweep: Sweep, machines: Machines) -> Iterator[list[Outcome]]:
    """Run the trials, log each of them to MLflow, and yield all outcomes, to be saved.

    Raises:
        UserError: see `engine.run`; or the prepared images are missing or damaged.
    """
    from autoencoders.studies import engine  # optional, and slow to import

    file, study, variant = sweep.file, sweep.study, sweep.params.variants[sweep.file.variant]
    constants = {ITEM: f"{file.dataset}/{file.variant}"}
    task = Task(
        yaml12.read(paths.PARAMS),
        constants,
        split=file.split,
        initial_weights=sweep.initial_weights,
    )
    with_judge = variant.objective.takes("perceive") or file.split is not None
    images = {file.dataset: trial.share(file.dataset, with_judge)}
    with study_run(
        Item("sweep", file.dataset, file.variant),
        digest=study.digest,
        params=file.model_dump(mode="json"),
        experiment=sweep.params.experiment,
    ) as tracked:
        listener = _Listener(study, tracked)
        with engine.run(study, task, images, machines, listener) as outcomes:
            for best in [*ranked(study, outcomes).values()][:1]:
                tracked.log_best(best.values, best.metrics)
            yield outcomes


@dataclass(frozen=True)
class _Listener:
    """Logs each trial, and prints a line at its end."""

    study: Study
    run: StudyRun

    def epoch(self, trial: str, values: Values, row: Row) -> None:
        """Log an epoch."""
        self.run.epoch(trial, values, row)

    def end(self, trial: str, outcome: Outcome) -> None:
        """Log and print the result."""
        self.run.end(trial, outcome)
        metric = self.study.metric
        result = outcome.error or f"{metric} {outcome.metrics[metric]:#.5g}"
        names = short_names(self.study.space)
        values = ", ".join(f"{names[key]} {as_text(v)}" for key, v in outcome.values.items())
        print(f"trial {int(trial)}: {result}; {values}", flush=True)


def write(sweep: Sweep, outcomes: Sequence[Outcome]) -> Record:
    """Write all results; return the record of the finished sweep.

    Raises:
        UserError: no trial has succeeded.
    """
    trials = ranked(sweep.study, outcomes)
    if not trials:
        reasons = "; ".join(dict.fromkeys(outcome.error for outcome in outcomes))
        raise UserError(f"{sweep.path}: all trials failed ({len(outcomes)}): {reasons}")
    best = next(iter(trials.values()))
    record = Record(
        digests=sweep.digests,
        trials=len(outcomes),
        failed=len(outcomes) - len(trials),
        best=best.values,
        value=best.metrics[sweep.file.metric],
    )
    with files.atomic_directory(sweep.folder) as folder:
        _table(outcomes).to_csv(folder / RESULTS, index=False)
        sweep_page.write(
            folder,
            sweep.study,
            outcomes,
            sweep.metadata.source,
            name=sweep.path.stem,
            variant=sweep.file.variant,
            dataset=sweep.metadata.title,
            command=command(sweep, best.values),
        )
        files.write_json(folder / RECORD, record.model_dump(mode="json"))
    return record


def _table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return a row per trial: its values, the row of its best epoch, its duration and its error."""
    return pd.DataFrame(
        {"trial": number}
        | {key: _cell(value) for key, value in outcome.values.items()}
        | dict(outcome.metrics)
        | {"seconds": round(outcome.seconds, 1), "error": outcome.error}
        for number, outcome in enumerate(outcomes)
    )


def _cell(value: Any) -> int | float | str:
    return value if isinstance(value, int | float | str) else json.dumps(value)


def command(sweep: Sweep, values: Values) -> str:
    """Return the command that reproduces a trial in the pipeline, in the grammar of Hydra."""
    entry = sweep_file.with_values(sweep.params.variants[sweep.file.variant], {})
    overrides = []
    for key, value in values.items():
        try:
            reduce(getitem, key.split("."), entry)
            new = ""
        except KeyError:
            new = "+"  # params.yaml lacks this key
        overrides.append(f"{new}variants.{sweep.file.variant}.{key}={_as_json(value)}")
    for key, name in (
        ("datasets_to_run", sweep.file.dataset),
        ("variants_to_run", sweep.file.variant),
    ):
        if name not in getattr(sweep.params, key):
            overrides.append(f"{key}={_as_json([name])}")
    return " ".join(["dvc exp run", *(f"-S {shlex.quote(override)}" for override in overrides)])


def _as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def write_params(sweep: Sweep, values: Values) -> None:
    """Write values into the variant of params.yaml; its comments and layout stay.

    Raises:
        UserError: the variant would not fit another dataset that runs.
    """
    text = paths.PARAMS.read_text("utf-8")
    for key, value in values.items():
        text = with_value(text, f"variants.{sweep.file.variant}.{key}", value)
    params.parse(yaml12.parse(text), str(paths.PARAMS))
    with files.atomic_file(paths.PARAMS) as temporary:
        temporary.write_text(text, "utf-8")
