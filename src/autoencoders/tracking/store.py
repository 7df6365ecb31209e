"""The store of the runs: its address, connection and locks."""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import sqlalchemy
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Param

from autoencoders import files, paths, yaml12
from autoencoders.errors import UserError, warn, without_password
from autoencoders.tracking import private
from autoencoders.tracking.provenance import fingerprint, is_running, process_tags, source_tags

ALL_RUNS = 50_000  # the maximum that MLflow returns at once, newest first
PARENT = "configuration"  # the tag `stage` of parent runs
ARTIFACTS = "mlartifacts"
SERVERS = ("http://", "https://")


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI; by default the URI of `mlflow.db` in the repository root.

    Relative SQLite paths count from this root too. It is the root of the user's repository, also
    in the temporary copies of `dvc exp run --temp`.

    Raises:
        UserError: MLflow would misread the path of the database.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    database = _sqlite_file(uri)
    if database is None:
        return uri
    path = database.as_posix()
    # Quoting does not help: MLflow would create a folder with the quoted name.
    if "?" in path or unquote(path) != path:
        raise UserError(
            f"MLflow cannot use {path!r}, because ? and %XX have a meaning in a URI: use a path "
            "without them, or set MLFLOW_TRACKING_URI to another store"
        )
    return f"sqlite:///{path}"


def database() -> Path | None:
    """Return the file of the store; None if the store is not a SQLite file, or does not exist."""
    path = _sqlite_file(tracking_uri())
    return path if path and path.exists() else None


def connect() -> MlflowClient:
    """Return a client of the store. A missing database is created, by one process only."""
    private.set_defaults()
    uri = tracking_uri()
    with _lock():
        if not uri.startswith(SERVERS):
            # Fail at once; MLflow would try ten times, for 100 seconds.
            sqlalchemy.create_engine(uri).connect().close()
        client = MlflowClient(uri)
        database = _sqlite_file(uri)
        if database and (artifacts := database.parent / ARTIFACTS).is_dir():
            private.relocate_artifacts(database, artifacts)
        return client


@contextmanager
def open_to_load() -> Iterator[tuple[str, str | None]]:
    """Yield the URI of the store, and None: the folder to copy a model to before it is loaded.

    To load a model, MLflow writes into the database and next to the model. For a read-only
    database, yield the URI of a temporary copy, and a temporary folder.
    """
    database = _sqlite_file(tracking_uri())
    if database is None or not database.exists() or _is_writable(database, database.parent):
        connect()
        yield tracking_uri(), None
        return
    private.set_defaults()
    with TemporaryDirectory() as folder:
        copy = Path(folder, database.name)
        shutil.copyfile(database, copy)
        private.relocate_artifacts(copy, database.parent / ARTIFACTS)
        yield f"sqlite:///{copy.as_posix()}", folder


def find_or_create_parent(
    client: MlflowClient,
    experiment: str,
    configuration: Mapping[str, Any],
    origin: Mapping[str, str],
) -> tuple[str, str]:
    """Return the ids of an experiment and of a configuration's parent run in it.

    All processes get the same ids. Running runs become KILLED if their process here has ended.
    """
    digest = fingerprint(configuration)
    same_params = f"tags.stage = '{PARENT}' and tags.`params.sha256` = '{digest}'"
    with locked_experiment(client, experiment) as experiment_id:
        for run in client.search_runs([experiment_id], same_params, max_results=ALL_RUNS):
            if all(run.data.tags.get(tag) == origin.get(tag) for tag in ("git.commit", "dvc.exp")):
                return experiment_id, str(run.info.run_id)
        short_digests = [text[:7] for text in (origin.get("git.commit"), digest) if text]
        parent = client.create_run(
            experiment_id,
            run_name=origin.get("dvc.exp", "-".join(short_digests)),
            tags={"stage": PARENT, "params.sha256": digest, **source_tags("dvc repro"), **origin},
        )
        log_params(client, parent.info.run_id, configuration)
        return experiment_id, str(parent.info.run_id)


@contextmanager
def locked_experiment(client: MlflowClient, name: str) -> Iterator[str]:
    """Yield the id of an experiment, which is created if it is missing; other processes wait.

    Running runs become KILLED if their process here has ended.
    """
    with _lock():
        experiment_id = _experiment_id(client, name)
        _end_abandoned_runs(client, experiment_id)
        yield experiment_id


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, Any]) -> None:
    """Log params to a run; nested keys are joined by dots."""
    entries = [Param(name, str(value)) for name, value in yaml12.flatten(params)]
    client.log_batch(run_id, params=entries)


@contextmanager
def silenced() -> Iterator[None]:
    """Silence the loggers and warnings of mlflow, alembic, urllib3 and torch.export."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def reason(error: Exception) -> str:
    """Return the first cause of an exception as one short line without passwords."""
    if isinstance(error, UserError):
        return str(error)
    cause: BaseException = error
    while cause.__cause__:  # SQLAlchemy's message begins with advice and ends with the query
        cause = cause.__cause__
    return files.shortened(without_password(f"{type(cause).__name__}: {cause}"))


def _experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment; create it if it is missing."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
            warn(f"the MLflow experiment {name!r} was deleted: it is restored with its runs")
        return str(found.experiment_id)
    uri, artifacts = tracking_uri(), None
    if not uri.startswith(SERVERS):  # beside the database, as with `mlflow server`
        database = _sqlite_file(uri)
        folder = database.parent if database else paths.resolve_user_path("")
        artifacts = (folder / ARTIFACTS).as_uri()
    return str(client.create_experiment(name, artifacts))


def _end_abandoned_runs(client: MlflowClient, experiment_id: str) -> None:
    running = "attributes.status = 'RUNNING' and tags.host = '{host}'".format(**process_tags())
    for run in client.search_runs([experiment_id], running, max_results=ALL_RUNS):
        if not is_running(run.data.tags.get("process", "")):
            client.set_terminated(run.info.run_id, "KILLED")


def _lock() -> AbstractContextManager[object]:
    """Return the lock of the store; none in a read-only repository, where a store is elsewhere."""
    path = paths.resolve_user_path("mlflow.db.lock")
    return (
        FileLock(path, timeout=private.LOCK_SECONDS) if _is_writable(path.parent) else nullcontext()
    )


def _is_writable(*places: Path) -> bool:
    return all(os.access(place, os.W_OK) for place in places)


def _sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI; None for other URIs."""
    prefix = "sqlite:///"
    return paths.resolve_user_path(uri.removeprefix(prefix)) if uri.startswith(prefix) else None
