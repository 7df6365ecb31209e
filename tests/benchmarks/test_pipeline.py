"""The benchmark of the whole pipeline: reading the times of stages, and its table."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks import pipeline


@pytest.mark.slow
def test_the_finished_runs_of_a_stage_are_summed(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(store)
    experiment = client.create_experiment("a")
    for stage, status, seconds in (
        ("train", "FINISHED", 7),
        ("train", "FINISHED", 5),
        ("train", "KILLED", 90),
        ("configuration", "FINISHED", 90),
    ):
        run = client.create_run(experiment, start_time=1_000, tags={"stage": stage}).info.run_id
        client.set_terminated(run, status, end_time=1_000 + seconds * 1000)
    seconds_by_stage = pipeline.stage_seconds(store)
    assert seconds_by_stage["train"] == 12
    assert sum(seconds_by_stage.values()) == 12


def test_the_table_has_a_column_for_each_commit() -> None:
    measured = {"old": {"install": 90.0, "report": 0.0}, "new": {"install": 30.0, "report": 1.0}}
    assert pipeline.table(measured) == [
        "| seconds | old | new | last / first |",
        "|---|---|---|---|",
        "| install | 90 | 30 | 0.33 |",
        "| report | 0 | 1 |  |",
    ]
