"""The benchmark of the whole pipeline: how it reads and shows what was measured."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks import pipeline


@pytest.mark.slow
def test_the_runs_of_a_stage_are_added_up(tmp_path: Path) -> None:
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
    found = pipeline.stage_seconds(store)
    assert found["train"] == 12
    assert sum(found.values()) == 12


def test_commits_stand_beside_each_other() -> None:
    measured = {"old": {"install": 90.0, "report": 0.0}, "new": {"install": 30.0, "report": 1.0}}
    assert pipeline.table(measured) == [
        "| seconds | old | new | last / first |",
        "|---|---|---|---|",
        "| install | 90 | 30 | 0.33 |",
        "| report | 0 | 1 |  |",
    ]
