"""Where runs are stored, and how to reach it without noise and without waiting long."""

import logging
import os
import re
import sqlite3
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from filelock import FileLock

from autoencoders import paths
from autoencoders.errors import UserError, warn
from autoencoders.tracking.origin import fingerprint, flatten, lives, process, source

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# mlflow reads them when it is imported. Its own limits on requests make a lost server a wait of
# many minutes; with these it is one of seconds.
MLFLOW_SETTINGS = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
DATABASE_ATTEMPTS = 3
LOCK_SECONDS = 30.0
MLFLOW_PARAMS_PER_BATCH = 100
REASON_WIDTH = 200
PARENT = "configuration"  # the tag `stage` of parent runs
ARTIFACTS = "mlartifacts"
# Where mlflow's database says where files are: absolute, as they are opened from anywhere.
LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or that of the database `mlflow.db` in the repository root.

    A relative SQLite path counts from the root as well. Within `dvc exp run --temp`, which runs the
    stages in a copy that it deletes, the root is still that of the user's repository.

    Raises:
        UserError: MLflow would take the path of the database for that of another file.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    database = _sqlite_file(uri)
    if database is None:
        return uri
    path = database.as_posix()
    # Quoted, MLflow would leave a folder of the quoted name beside, and not find its own models.
    if "?" in path or unquote(path) != path:
        raise UserError(
            f"MLflow reads ? and %XX in {path!r} as signs of a URI: use a path without "
            "them, or name another store in MLFLOW_TRACKING_URI"
        )
    return f"sqlite:///{path}"


def connect() -> "MlflowClient":
    """Return a client of the store; a missing database is created, once for all processes."""
    for name, value in MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    uri = tracking_uri()
    if not _is_server(uri):
        import mlflow.store.db.utils

        # mlflow would try ten times, for 100 seconds, to open what cannot be opened.
        mlflow.store.db.utils.MAX_RETRY_COUNT = DATABASE_ATTEMPTS
    with _lock():
        client = MlflowClient(uri)
        database = _sqlite_file(uri)
        if database and (database.parent / ARTIFACTS).is_dir():
            _follow_the_database(database)
        return client


def _follow_the_database(database: Path) -> None:
    """Make a database that was moved or copied name the artifacts beside it, not those it left."""
    here = (database.parent / ARTIFACTS).as_uri()
    with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection, connection:
        left = connection.execute(
            "SELECT DISTINCT artifact_location FROM experiments "
            "WHERE artifact_location LIKE ? AND artifact_location != ?",
            (f"file://%/{ARTIFACTS}", here),
        )
        for (there,) in left.fetchall():
            for table, columns in LOCATIONS.items():
                for column in columns:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (here, len(there) + 1, len(there), there),
                    )


def find_or_create_parent(
    client: "MlflowClient",
    experiment: str,
    configuration: Mapping[str, Any],
    origin: Mapping[str, str],
) -> tuple[str, str]:
    """Return the ids of an experiment and of a configuration's run in it, for all processes one.

    Runs that were left behind by processes of this machine that are no more are ended as KILLED.
    """
    with _lock():
        experiment_id = _experiment_id(client, experiment)
        _end_those_left_behind(client, experiment_id)
        parent_id = _find_parent(client, experiment_id, configuration, origin)
        return experiment_id, parent_id or _create_parent(
            client, experiment_id, configuration, origin
        )


def all_runs(client: "MlflowClient", experiment_id: str, wanted: str = "") -> list["Run"]:
    """Return the runs of an experiment that a filter of mlflow's lets pass, of all pages."""
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], wanted, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def log_params(client: "MlflowClient", run_id: str, params: Mapping[str, str]) -> None:
    """Log any number of params to a run."""
    from mlflow.entities import Param

    entries = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(entries), MLFLOW_PARAMS_PER_BATCH):
        client.log_batch(run_id, params=entries[start : start + MLFLOW_PARAMS_PER_BATCH])


@contextmanager
def quiet() -> Iterator[None]:
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
    """Return an exception as one short line without passwords: what it came from, in the end."""
    if isinstance(error, UserError):
        return str(error)
    cause: BaseException = error
    while cause.__cause__:  # SQLAlchemy's message begins with advice and ends with the query
        cause = cause.__cause__
    text = without_password(f"{type(cause).__name__}: {cause}")
    return textwrap.shorten(text, width=REASON_WIDTH, placeholder="...")


def without_password(text: str) -> str:
    """Hide the user and password in URIs."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def _experiment_id(client: "MlflowClient", name: str) -> str:
    """Return the id of an experiment, created when it is missing."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
            warn(f"the MLflow experiment {name!r} was deleted: it is restored, with its runs")
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=_artifact_location()))


def _end_those_left_behind(client: "MlflowClient", experiment_id: str) -> None:
    running = "attributes.status = 'RUNNING' and tags.host = '{host}'".format(**process())
    for run in all_runs(client, experiment_id, running):
        if not lives(run.data.tags.get("process", "")):
            client.set_terminated(run.info.run_id, "KILLED")


def _find_parent(
    client: "MlflowClient",
    experiment_id: str,
    configuration: Mapping[str, Any],
    origin: Mapping[str, str],
) -> str | None:
    same_params = (
        f"tags.stage = '{PARENT}' and tags.`params.sha256` = '{fingerprint(configuration)}'"
    )
    for run in all_runs(client, experiment_id, same_params):
        if all(run.data.tags.get(tag) == origin.get(tag) for tag in ("git.commit", "dvc.exp")):
            return str(run.info.run_id)
    return None


def _create_parent(
    client: "MlflowClient",
    experiment_id: str,
    configuration: Mapping[str, Any],
    origin: Mapping[str, str],
) -> str:
    digest = fingerprint(configuration)
    short_digests = [text[:7] for text in (origin.get("git.commit"), digest) if text]
    parent = client.create_run(
        experiment_id,
        run_name=origin.get("dvc.exp", "-".join(short_digests)),
        tags={"stage": PARENT, "params.sha256": digest, **source("dvc repro"), **origin},
    )
    log_params(client, parent.info.run_id, flatten(configuration))
    return str(parent.info.run_id)


def _lock() -> FileLock:
    return FileLock(paths.users("mlflow.db.lock"), timeout=LOCK_SECONDS)


def _is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI, None for any other."""
    prefix = "sqlite:///"
    return paths.users(uri.removeprefix(prefix)) if uri.startswith(prefix) else None


def _artifact_location() -> str | None:
    """Return a folder beside the database; None where the server decides.

    It is the folder that `mlflow server` uses by default, so that both agree.
    """
    uri = tracking_uri()
    if _is_server(uri):
        return None
    database = _sqlite_file(uri)
    folder = database.parent if database else paths.users("")
    return (folder / ARTIFACTS).as_uri()
