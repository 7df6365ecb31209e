"""Uses of MLflow's private parts, as they are in MLflow 3.17.

tests/test_tracking.py tests each of them, and fails when MLflow changes.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model

# With MLflow's default limits, a request to a lost server takes many minutes; with these, seconds.
# MLflow reads them at each request.
SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# The tag with the versions on the page of a logged model. Only MLflow's server sets it.
VERSIONS_TAG = "mlflow.modelVersions"
# The columns of the database that have absolute paths of artifacts.
LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
LOCK_SECONDS = 30.0


def set_defaults() -> None:
    """Set the environment variables of `SETTINGS` that the user has not set."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def default_store(uri: str) -> Iterator[None]:
    """During the `with` body, let MLflow search this store for URIs such as `models:/mnist-vae/1`.

    MLflow's function for loading takes no client, and its function for the store has no reset.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        yield
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def relocate_artifacts(database: Path, artifacts: Path) -> None:
    """Replace the artifact paths in a database that was moved or copied with its artifacts."""
    new = artifacts.as_uri()
    with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection, connection:
        outdated = connection.execute(
            "SELECT DISTINCT artifact_location FROM experiments "
            "WHERE artifact_location LIKE ? AND artifact_location != ?",
            (f"file://%/{artifacts.name}", new),
        )
        for (old,) in outdated.fetchall():
            for table, columns in LOCATIONS.items():
                for column in columns:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old), old),
                    )


def link_version(client: MlflowClient, model_id: str, version: ModelVersion) -> None:
    """Show the registered version on the page of a logged model."""
    versions = json.dumps([{"name": version.name, "version": version.version}])
    client.set_logged_model_tags(model_id, {VERSIONS_TAG: versions})


def set_loader(description: Model, module: str, config: Mapping[str, Any]) -> None:
    """Use a module that is stored with a model as its loader, instead of its flavor's loader."""
    pyfunc = description.flavors[mlflow.pyfunc.FLAVOR_NAME]
    pyfunc[mlflow.pyfunc.MAIN] = module
    pyfunc["config"] = dict(config)
