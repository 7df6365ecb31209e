"""One run for each execution of a stage."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag

from autoencoders.errors import UserError, warn
from autoencoders.pipeline import Item
from autoencoders.tracking import champion, store
from autoencoders.tracking import model as models
from autoencoders.tracking.dataset import DataUsed, as_input
from autoencoders.tracking.model import TrainedModel
from autoencoders.tracking.provenance import fingerprint, origin_tags, source_tags


def finished_runs(experiment: str) -> set[tuple[str, str]]:
    """Return the names of all finished runs, each with its tag `outputs.sha256`.

    A run counts no more where people have deleted its configuration's run or its model's version.

    Raises:
        UserError: the tracking server or database cannot be used.
    """
    try:
        with store.silenced():
            client = store.connect()
            found = client.get_experiment_by_name(experiment)
            if found is None:
                return set()
            runs = client.search_runs([found.experiment_id], max_results=store.ALL_RUNS)
            ids = {run.info.run_id for run in runs}
            whole = [run for run in runs if _is_whole(run, ids, client)]
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"MLflow at {store.without_password(store.tracking_uri())} cannot be used "
            f"({store.reason(error)}): start the server, or name another in MLFLOW_TRACKING_URI"
        ) from error
    return {(run.info.run_name, run.data.tags.get("outputs.sha256", "")) for run in whole}


def _is_whole(run: Run, ids: set[str], client: MlflowClient) -> bool:
    """Tell whether a run has finished and, of all `ids`, has its parent, and its model a version.

    A model that could not be exported is none of its outputs.
    """
    if run.info.status != "FINISHED" or run.data.tags.get("mlflow.parentRunId") not in ids:
        return False
    has_model = run.outputs is not None and bool(run.outputs.model_outputs)
    return not has_model or bool(client.search_model_versions(f"run_id = '{run.info.run_id}'"))


@contextmanager
def stage_run(
    item: Item,
    *,
    params: Mapping[str, Any],
    configuration: Mapping[str, Any],
    experiment: str,
    data: DataUsed | None = None,
) -> Iterator["StageRun"]:
    """Track an execution of a stage: FINISHED, FAILED on an exception, KILLED on Ctrl-C.

    Exceptions of the body pass through; those of MLflow never reach it.

    Args:
        item: the stage; it names the run.
        params: the params that this stage uses, resolved; nested keys are joined by dots.
        configuration: the whole content of params.yaml. Its digest, the commit and the name of the
            DVC experiment identify the parent run, which is created when it is missing.
        experiment: the MLflow experiment.
        data: the images used, logged as the run's input.
    """

    def start() -> StageRun:
        client, origin = store.connect(), origin_tags()
        experiment_id, parent_id = store.find_or_create_parent(
            client, experiment, configuration, origin
        )
        all_tags = {
            "mlflow.parentRunId": parent_id,
            "params.sha256": fingerprint(params),
            **item.tags,
            **source_tags(" ".join(item.command)),
            **origin,
            **(data.tags if data else {}),
        }
        run_id = client.create_run(experiment_id, tags=all_tags, run_name=item.name).info.run_id
        store.log_params(client, run_id, params)
        if data:
            client.log_inputs(run_id, [as_input(data, item.stage)])
        return StageRun(client, item, data, experiment_id, parent_id, run_id)

    run: Any = _UntilLost(item, start)
    try:
        yield run
    except KeyboardInterrupt:
        run.end("KILLED")
        raise
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")


@dataclass
class StageRun:
    """What a stage logs to: a run in MLflow.

    Attributes:
        id: MLflow's id of the run, "" where nothing is tracked or not any more.
        epochs_logged: at least one epoch's metrics have been given to `log_epoch`.
    """

    _client: MlflowClient
    _item: Item
    _data: DataUsed | None
    _experiment_id: str
    _parent_id: str
    id: str
    epochs_logged: bool = False

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log an epoch's metrics, as one transaction."""
        self.epochs_logged = True
        self._client.log_batch(self.id, metrics=_metrics(metrics, epoch))

    def log(
        self,
        *,
        metrics: Mapping[str, float] = {},
        artifacts: Sequence[Path] = (),
        tags: Mapping[str, str] = {},
    ) -> None:
        """Log final metrics, files or folders, and tags."""
        entries = [RunTag(name, value) for name, value in tags.items()]
        self._client.log_batch(self.id, metrics=_metrics(metrics), tags=entries)
        for path in artifacts:
            self._client.log_artifact(self.id, os.fspath(path))

    def log_to_parent(self, metrics: Mapping[str, float], artifacts: Sequence[Path] = ()) -> None:
        """Log to the configuration's run, so that configurations compare (`mnist/conv/psnr`)."""
        replace(self, id=self._parent_id).log(metrics=metrics, artifacts=artifacts)

    def log_model(self, model: TrainedModel) -> None:
        """Export the model, log it as this run's output, and register it as a new version.

        It loads without this repository, `mlflow.pyfunc.load_model("models:/mnist-vae/1")`, and
        takes and gives NumPy arrays with any number of images. A network that torch.export cannot
        export is a warning of its own.
        """
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder, "model")
            try:
                description = models.export(model, exported)
            except Exception as error:
                warn(f"the model of {self._item.name} is not exported: {store.reason(error)}")
                return
            models.register(
                self._client,
                model,
                description=description,
                folder=exported,
                run=self._client.get_run(self.id),
                tags=self._item.tags,
                version_tags=self._data.tags if self._data else {},
            )

    def log_model_metrics(self, weights_sha256: str, metrics: Mapping[str, float]) -> None:
        """Log metrics to this run and, where there is one, to the logged model of these weights.

        If it is better than the champion of its name, it is the champion from now on; see
        `champion.update_champion`, whose line is printed.
        """
        model_id = models.find(self._client, self._experiment_id, weights_sha256)
        of_data = (self._data.name, self._data.digest) if self._data else ()
        self._client.log_batch(self.id, metrics=_metrics(metrics, 0, model_id, *of_data))
        if model_id and self._data and self._data.test_sha256:
            said = champion.update_champion(self._client, model_id, metrics, self._data.test_sha256)
            if said:
                print(f"champion: {said}", file=sys.stderr)

    def end(self, status: str) -> None:
        """End the run, and with it its configuration's, as FINISHED, FAILED or KILLED."""
        self._client.set_terminated(self.id, status)
        self._client.set_terminated(self._parent_id, status)


class NullRun(StageRun):
    """A run whose every call does nothing, as tracking is lost or another process tracks."""

    def __init__(self) -> None:
        """Start nothing."""

    def __getattribute__(self, name: str) -> Any:
        """Return what does nothing."""
        return "" if name == "id" else lambda *arguments, **options: None


class _UntilLost:
    """Passes calls on to a run until MLflow fails, and to a `NullRun` from then on."""

    def __init__(self, item: Item, start: Callable[[], StageRun]) -> None:
        self._item = item
        self._run: StageRun = NullRun()
        self._run = self._try(start) or self._run

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._run, name)
        return partial(self._try, found) if callable(found) else found

    def _try(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            with store.silenced():
                return call(*arguments, **options)
        except Exception as error:
            self._run = NullRun()
            warn(
                f"{self._item.name} is no longer tracked by MLflow ({store.reason(error)}). The "
                "stage goes on and its files will be complete: `autoencoders track` uploads them"
            )


def _metrics(values: Mapping[str, float], step: int = 0, *of_model: str | None) -> list[Metric]:
    """Return metrics of now; those of a model have its id, and the name and digest of its data."""
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step, *of_model) for name, value in values.items()]
