"""What tracking takes of MLflow's private parts is still as it was in MLflow 3.17."""

import json
import os
import shutil
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient, environment_variables
from mlflow.utils import mlflow_tags

from autoencoders.pipeline import Item
from autoencoders.tracking import StageRun, private, stage_run
from tests.test_tracking import CONFIGURATION, DATA, Blur, trained

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose store has a run with a model."""
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with logging_run() as run:
        run.log_model(trained(Blur()))
    return root


def logging_run() -> AbstractContextManager[StageRun]:
    return stage_run(
        Item("train", "mnist", "vae"),
        params={},
        configuration=CONFIGURATION,
        experiment="autoencoders",
        data=DATA,
    )


def texts(database: Path) -> set[str]:
    """Return all texts in a database."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        rows = [
            row
            for (table,) in tables.fetchall()
            for row in connection.execute(f"SELECT * FROM {table}")
        ]
    return {value for row in rows for value in row if isinstance(value, str)}


def test_no_column_but_the_known_ones_says_where_files_are(root: Path) -> None:
    artifacts = (root / "mlartifacts").as_uri()
    assert any(text.startswith(artifacts) for text in texts(root / "mlflow.db"))
    elsewhere = root.with_name("elsewhere")
    shutil.move(root, elsewhere)
    private.follow(elsewhere / "mlflow.db", elsewhere / "mlartifacts")
    left = {text for text in texts(elsewhere / "mlflow.db") if str(root) in text}
    assert left == set()


def test_mlflow_reads_the_settings_at_each_request() -> None:
    for name, value in private.SETTINGS.items():
        variable = getattr(environment_variables, name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, value)
            assert str(variable.get()).lower() == value


def test_the_page_of_a_model_lists_versions_by_this_tag(root: Path) -> None:
    assert mlflow_tags.MLFLOW_MODEL_VERSIONS == private.VERSIONS_TAG
    [model] = MlflowClient(f"sqlite:///{root}/mlflow.db").search_logged_models(["1"])
    assert json.loads(model.tags[private.VERSIONS_TAG]) == [{"name": "mnist-vae", "version": 1}]


def test_a_model_is_loaded_by_the_module_that_goes_with_it(root: Path) -> None:
    assert mlflow.pyfunc.MODEL_CONFIG == "config"
    with private.default_store(f"sqlite:///{root}/mlflow.db"):
        model = mlflow.pyfunc.load_model("models:/mnist-vae/1")
    assert model.loader_module == "png_or_arrays"
    assert model.predict(np.zeros((1, 6, 6), np.float32)).shape == (2, 6, 6)


@pytest.mark.parametrize("before", [None, "sqlite:///other.db"])
def test_the_default_store_is_one_only_meanwhile(
    before: str | None, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
    with private.default_store("sqlite:///here.db"):
        assert mlflow.get_tracking_uri() == "sqlite:///here.db"
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
