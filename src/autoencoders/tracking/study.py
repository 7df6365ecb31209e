"""One run for each study, `seeds@mnist-vae`, with one nested run for each of its trials.

The process that runs the study logs everything, so other machines need no access to MLflow.
"""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag

from autoencoders import files
from autoencoders.evaluation.intervals import Interval
from autoencoders.pipeline import Item
from autoencoders.tracking import store
from autoencoders.tracking.provenance import origin_tags, process_tags, source_tags
from autoencoders.tracking.run import as_metrics, fail_safe
from autoencoders.training.history import Row

DIGEST, TRIAL, ERROR, PARENT = "study.sha256", "trial", "error", "mlflow.parentRunId"  # tags


def study_run(
    item: Item, *, digest: str, params: Mapping[str, Any], experiment: str
) -> AbstractContextManager["StudyRun"]:
    """Track a study as `stage_run` tracks a stage: exceptions of MLflow become one warning.

    If the same study was killed, its runs continue.

    Args:
        item: the study, such as `Item("seeds", "mnist", "vae")`; its name is the run's name.
        digest: the SHA-256 of all that affects the results.
        params: the settings of the study; nested keys are joined by dots.
        experiment: the name of the MLflow experiment.
    """

    def start() -> StudyRun:
        client, tags = store.connect(), item.tags | {DIGEST: digest}
        with store.locked_experiment(client, experiment) as experiment_id:
            for run in _search(client, experiment_id, tags):
                _reopen(client, run.info.run_id)
                children = _search(client, experiment_id, {PARENT: run.info.run_id})
                trials = {child.data.tags[TRIAL]: _trial(child) for child in children}
                return StudyRun(client, item, experiment_id, run.info.run_id, trials)
            tags |= origin_tags() | source_tags(" ".join(["autoencoders", *sys.argv[1:]]))
            run = client.create_run(experiment_id, tags=tags, run_name=item.name)
            store.log_params(client, run.info.run_id, params)
            return StudyRun(client, item, experiment_id, run.info.run_id, {})

    return fail_safe(start, item.name, "the study continues without it")


@dataclass
class _Trial:
    """The run of a trial: its id, its status, and the last epoch that was logged."""

    id: str
    status: str = "RUNNING"
    epoch: int = 0


@dataclass
class StudyRun:
    """The run in MLflow to which a study logs; it is a listener of `studies.study`.

    Attributes:
        id: MLflow's id of the run; "" if tracking was lost.
    """

    _client: MlflowClient
    _item: Item
    _experiment_id: str
    id: str
    _trials: dict[str, _Trial]

    def epoch(self, trial: str, values: Mapping[str, Any], row: Row) -> None:
        """Log a row of the history in one transaction, unless its epoch is logged already."""
        run, epoch = self._run(trial, values), int(row["epoch"])
        if epoch > run.epoch:
            self._client.log_batch(run.id, metrics=as_metrics(row, epoch))
            run.epoch = epoch

    def end(self, trial: str, outcome: Any) -> None:
        """Log a trial's `studies.study.Outcome`; end its run as FINISHED or FAILED.

        A final metric with the name of a column of the history gets the prefix `best_`.
        """
        if trial in self._trials and self._trials[trial].status == "FINISHED":
            return
        for row in outcome.history:  # an earlier process may have been killed before it logged some
            self.epoch(trial, outcome.values, row)
        run, columns = self._run(trial, outcome.values), {k for row in outcome.history for k in row}
        final = {f"best_{k}" if k in columns else k: v for k, v in outcome.metrics.items()}
        tags = [RunTag(ERROR, files.shortened(outcome.error))] if outcome.error else []
        final["seconds"] = outcome.seconds
        self._client.log_batch(run.id, metrics=as_metrics(final), tags=tags)
        run.status = "FAILED" if outcome.error else "FINISHED"
        self._client.set_terminated(run.id, run.status)

    def log_intervals(self, intervals: Mapping[str, Interval]) -> None:
        """Log the interval of each metric: `psnr/mean`, `psnr/low`, `psnr/high`, `psnr/n`."""
        parts = ("mean", "low", "high", "n")
        values = {f"{k}/{part}": getattr(v, part) for k, v in intervals.items() for part in parts}
        self._client.log_batch(self.id, metrics=as_metrics(values))

    def log_best(self, values: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log the best trial: its values as tags `best.<key>`, its metrics as `best_<name>`."""
        best = {f"best_{name}": value for name, value in metrics.items()}
        tags = [RunTag(f"best.{key}", str(value)) for key, value in values.items()]
        self._client.log_batch(self.id, metrics=as_metrics(best), tags=tags)

    def close(self, status: str) -> None:
        """End the run and those of running trials as FINISHED, FAILED or KILLED."""
        running = [trial.id for trial in self._trials.values() if trial.status == "RUNNING"]
        for run_id in (*running, self.id):
            self._client.set_terminated(run_id, status)

    def _run(self, trial: str, values: Mapping[str, Any]) -> _Trial:
        """Return the run of a trial; create it, or continue that of a killed process."""
        if trial not in self._trials:
            tags = self._item.tags | {PARENT: self.id, TRIAL: trial} | process_tags()
            name = f"{self._item.name}/{trial}"
            run = self._client.create_run(self._experiment_id, tags=tags, run_name=name)
            store.log_params(self._client, run.info.run_id, values)
            self._trials[trial] = _Trial(run.info.run_id)
        elif self._trials[trial].status != "RUNNING":
            _reopen(self._client, self._trials[trial].id)
            self._trials[trial].status = "RUNNING"
        return self._trials[trial]


def _trial(run: Run) -> _Trial:
    return _Trial(run.info.run_id, run.info.status, int(run.data.metrics.get("epoch", 0)))


def _search(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> list[Run]:
    """Return the runs with these tags, newest first."""
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    return list(client.search_runs([experiment_id], condition, max_results=store.ALL_RUNS))


def _reopen(client: MlflowClient, run_id: str) -> None:
    """Continue a run in this process."""
    client.log_batch(run_id, tags=[RunTag(*tag) for tag in process_tags().items()])
    client.update_run(run_id, status="RUNNING")
