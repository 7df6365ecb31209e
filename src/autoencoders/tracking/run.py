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
from autoencoders.param_types import Bytes
from autoencoders.pipeline import Item
from autoencoders.tracking import champion, store
from autoencoders.tracking import model as models
from autoencoders.tracking.dataset import DataUsed, as_input
from autoencoders.tracking.model import TrainedModel
from autoencoders.tracking.provenance import fingerprint, origin_tags, source_tags


def finished_runs(experiment: str) -> set[tuple[str, str]]:
    """Return the name and the tag `outputs.sha256` of each finished run of an experiment.

    Runs whose parent run or whose model version was deleted are left out.

    Raises:
        UserError: the tracking server or database cannot be used.
    """
    try:
        with store.silenced():
            client = store.connect()
            mlflow_experiment = client.get_experiment_by_name(experiment)
            if mlflow_experiment is None:
                return set()
            runs = client.search_runs([mlflow_experiment.experiment_id], max_results=store.ALL_RUNS)
            ids = {run.info.run_id for run in runs}
            complete = [run for run in runs if _is_complete(run, ids, client)]
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"MLflow at {store.tracking_uri()} cannot be used "
            f"({store.reason(error)}): start the server, or set MLFLOW_TRACKING_URI to another one"
        ) from error
    return {(run.info.run_name, run.data.tags.get("outputs.sha256", "")) for run in complete}


def _is_complete(run: Run, ids: set[str], client: MlflowClient) -> bool:
    """Return whether a run has finished, its parent is in `ids`, and its model has a version.

    A model that could not be exported is not among the outputs of its run.
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

    Exceptions of the body are raised again. Exceptions of MLflow become one warning.

    Args:
        item: the stage; its name is the name of the run.
        params: the resolved params of this stage; nested keys are joined by dots.
        configuration: the content of params.yaml. Its digest, the commit and the name of the DVC
            experiment identify the parent run, which is created if it is missing.
        experiment: the name of the MLflow experiment.
        data: the images that the stage uses, logged as the input of the run.
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

    consequence = "continues and writes all its files; `autoencoders track` uploads them later"
    with fail_safe(start, item.name, f"the stage {consequence}") as run:
        yield run


@contextmanager
def fail_safe(start: Callable[[], Any], name: str, consequence: str) -> Iterator[Any]:
    """Yield the run that `start` returns; close it as FINISHED, FAILED or KILLED (Ctrl-C).

    The first exception of MLflow becomes a warning, and all later calls do nothing. `name` and
    `consequence` are the warning's first and last words.
    """
    run: Any = _FailSafeRun(start, name, consequence)
    try:
        yield run
    except KeyboardInterrupt:
        run.close("KILLED")
        raise
    except BaseException:
        run.close("FAILED")
        raise
    run.close("FINISHED")


@dataclass
class StageRun:
    """The run in MLflow to which a stage logs.

    Attributes:
        id: MLflow's id of the run; "" if the stage is not tracked or tracking was lost.
        epochs_logged: whether `log_epoch` was called.
    """

    _client: MlflowClient
    _item: Item
    _data: DataUsed | None
    _experiment_id: str
    _parent_id: str
    id: str
    epochs_logged: bool = False

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log the metrics of an epoch in one transaction."""
        self.epochs_logged = True
        self._client.log_batch(self.id, metrics=as_metrics(metrics, epoch))

    def log_image(self, epoch: int, image: Bytes) -> None:
        """Log a picture of reconstructions, uint8 `(H, W, C)`, for the image grid of the page."""
        self._client.log_image(self.id, image, key="reconstructions", step=epoch)

    def log(
        self,
        *,
        metrics: Mapping[str, float] = {},
        artifacts: Sequence[Path] = (),
        tags: Mapping[str, str] = {},
    ) -> None:
        """Log final metrics, files or folders, and tags."""
        entries = [RunTag(name, value) for name, value in tags.items()]
        self._client.log_batch(self.id, metrics=as_metrics(metrics), tags=entries)
        for path in artifacts:
            self._client.log_artifact(self.id, os.fspath(path))

    def log_to_parent(self, metrics: Mapping[str, float], artifacts: Sequence[Path] = ()) -> None:
        """Log to the parent run, to compare configurations (`mnist/conv/psnr`)."""
        replace(self, id=self._parent_id).log(metrics=metrics, artifacts=artifacts)

    def log_model(self, model: TrainedModel) -> None:
        """Export the model, log it as an output of this run, and register it as a new version.

        `mlflow.pyfunc.load_model("models:/mnist-vae/1")` loads it without this repository. The
        loaded model maps NumPy arrays to NumPy arrays, for any number of images. A network that
        cannot be exported causes a warning.
        """
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder, "model")
            try:
                description = models.export(model, exported)
            except Exception as error:
                warn(f"MLflow gets no model of {self._item.name}: {store.reason(error)}")
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

    def log_onnx(self, name: str, export: Callable[[], bytes]) -> None:
        """Log an exported network as the file `name`; a failure of `export` causes a warning."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            try:
                file.write_bytes(export())
            except Exception as error:
                warn(f"MLflow gets no ONNX file of {self._item.name}: {store.reason(error)}")
                return
            self.log(artifacts=[file])

    def log_model_metrics(self, weights_sha256: str, metrics: Mapping[str, float]) -> None:
        """Log metrics to this run and to the logged model with these weights, if it exists.

        Then update the champion of the model and print the decision (see `update_champion`).
        """
        model_id = models.find(self._client, self._experiment_id, weights_sha256)
        dataset = (self._data.name, self._data.digest) if self._data else ()
        self._client.log_batch(self.id, metrics=as_metrics(metrics, 0, model_id, *dataset))
        if model_id and self._data and self._data.test_sha256:
            test_sha256 = self._data.test_sha256
            decision = champion.update_champion(self._client, model_id, metrics, test_sha256)
            if decision:
                print(f"champion: {decision}", file=sys.stderr)

    def close(self, status: str) -> None:
        """End the run and its parent run with the status FINISHED, FAILED or KILLED."""
        self._client.set_terminated(self.id, status)
        self._client.set_terminated(self._parent_id, status)


class NullRun(StageRun):
    """A run whose calls do nothing: tracking was lost, or another process tracks the stage."""

    def __init__(self) -> None:
        """Create no run."""

    def __getattribute__(self, name: str) -> Any:
        """Return a function that does nothing, or "" for `id`."""
        return "" if name == "id" else lambda *arguments, **options: None


class _FailSafeRun:
    """Forwards calls to a run; after the first error of MLflow, to a `NullRun`."""

    def __init__(self, start: Callable[[], Any], name: str, consequence: str) -> None:
        self._name, self._consequence = name, consequence
        self._run: Any = NullRun()
        self._run = self._try(start) or self._run

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._run, name)
        return partial(self._try, value) if callable(value) else value

    def _try(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            with store.silenced():
                return call(*arguments, **options)
        except Exception as error:
            self._run = NullRun()
            reason = store.reason(error)
            warn(f"MLflow no longer tracks {self._name} ({reason}): {self._consequence}")


def as_metrics(values: Mapping[str, float], step: int = 0, *of_model: str | None) -> list[Metric]:
    """Return metrics with this time; `of_model`: a model's id, and its data's name and digest."""
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step, *of_model) for name, value in values.items()]
