"""What MLflow does not offer and tracking needs all the same, as it is in MLflow 3.17.

tests/test_tracking.py has a test of each, which fails where MLflow has changed it.
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

# MLflow's own limits on requests make a lost server a wait of many minutes; with these it is one of
# seconds. It reads them at each request.
SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# The tag by which the page of a logged model lists its versions. Only a server sets it by itself.
VERSIONS_TAG = "mlflow.modelVersions"
# The columns of its database that say where files are, absolute as they are opened from anywhere.
LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
LOCK_SECONDS = 30.0


def set_defaults() -> None:
    """Give MLflow the settings that the user has not."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def default_store(uri: str) -> Iterator[None]:
    """Let MLflow find in a store what it loads by a URI such as `models:/mnist-vae/1`.

    It takes no client for it, and what its own function sets stays set.
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
    """Make a database that was moved or copied name the artifacts beside it, not those it left."""
    here = artifacts.as_uri()
    with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection, connection:
        left = connection.execute(
            "SELECT DISTINCT artifact_location FROM experiments "
            "WHERE artifact_location LIKE ? AND artifact_location != ?",
            (f"file://%/{artifacts.name}", here),
        )
        for (there,) in left.fetchall():
            for table, columns in LOCATIONS.items():
                for column in columns:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (here, len(there) + 1, len(there), there),
                    )


def link_version(client: MlflowClient, model_id: str, version: ModelVersion) -> None:
    """Let the page of a logged model show the version that it is registered as."""
    versions = json.dumps([{"name": version.name, "version": version.version}])
    client.set_logged_model_tags(model_id, {VERSIONS_TAG: versions})


def set_loader(description: Model, module: str, config: Mapping[str, Any]) -> None:
    """Let a module that goes with a model load it as a function, in place of its flavor's own."""
    function = description.flavors[mlflow.pyfunc.FLAVOR_NAME]
    function[mlflow.pyfunc.MAIN] = module
    function["config"] = dict(config)
