"""`autoencoders seeds` as users run, repeat, interrupt and kill it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from scipy import stats

from autoencoders import paths
from autoencoders.evaluation import results
from tests.faults.changes import put
from tests.studies.conftest import EPOCHS, Start

pytest.importorskip("ray", reason="the extra `scale` is not installed")
pytestmark = [pytest.mark.service, pytest.mark.slow]

SEEDS = ("autoencoders", "seeds", "mnist/vae", "--jobs", "1", "--count")
FILE = paths.seeds("mnist", "vae")
SECONDS = 20  # that Ray's processes may need to end after their parent was killed

# The command line; it kills itself after some epochs of the second trial.
KILLED = """
import os, signal, sys
from autoencoders import cli
from autoencoders.tracking.study import StudyRun

log = StudyRun.epoch

def log_and_die(self, trial, values, row):
    log(self, trial, values, row)
    if trial == "2" and row["epoch"] >= 5:
        os.kill(os.getpid(), signal.SIGKILL)

StudyRun.epoch = log_and_die
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def two(
    evaluated: Path, tmp_path_factory: pytest.TempPathFactory, start: Start
) -> tuple[Path, str, str]:
    """Return a repository with the results of two seeds, and what the command printed."""
    folder = tmp_path_factory.mktemp("two") / "repository"
    subprocess.run(["cp", "-r", evaluated, folder], check=True)
    process = start(folder, *SEEDS, "2")
    out, err = process.communicate()
    assert process.returncode == 0, err
    return folder, out, err


def seeds(folder: Path) -> dict[str, dict[str, float]]:
    """Return seed → metric → value."""
    content: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    metrics: dict[str, dict[str, float]] = content["seeds"]
    return metrics


def run(start: Start, folder: Path, count: int, code: int = 0) -> tuple[list[str], list[str]]:
    """Run `autoencoders seeds`; return the lines on standard output and standard error."""
    process = start(folder, *SEEDS, str(count))
    out, err = process.communicate()
    assert process.returncode == code, err
    return out.splitlines(), err.splitlines()


# --- undisturbed


def test_a_seed_has_the_metrics_of_the_stages(two: tuple[Path, str, str]) -> None:
    folder, _, err = two
    stage = json.loads((folder / paths.metrics("mnist", "vae")).read_text("utf-8"))
    assert list(seeds(folder)) == ["1", "2"]
    assert seeds(folder)["1"] == results.headline(stage)
    assert seeds(folder)["2"]["psnr"] != seeds(folder)["1"]["psnr"]
    assert err == ""  # Ray prints nothing


def test_the_last_line_has_the_interval_of_students_t(two: tuple[Path, str, str]) -> None:
    folder, out, _ = two
    values = np.array([metrics["psnr"] for metrics in seeds(folder).values()])
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (
        f"psnr {values.mean():.2f} ± {(high - low) / 2:.2f} (95 %, n = 2)" in out.splitlines()[-1]
    )


def test_mlflow_has_a_run_for_each_seed_below_one_parent(two: tuple[Path, str, str]) -> None:
    parent, trials = tracked(two[0])
    values = np.array([metrics["psnr"] for metrics in seeds(two[0]).values()])
    assert parent.data.metrics["psnr/mean"] == pytest.approx(values.mean())
    assert {trial.data.metrics["psnr"] for trial in trials.values()} == {*values}


def tracked(folder: Path) -> tuple[Run, dict[str, Run]]:
    """Return the only run of a study, and those of its trials by name; all must be finished."""
    store = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("small")
    assert experiment is not None
    runs = store.search_runs([experiment.experiment_id], "tags.stage = 'seeds'")
    (parent,) = [run for run in runs if "trial" not in run.data.tags]
    trials = {run.info.run_name: run for run in runs if "trial" in run.data.tags}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {parent.info.run_id}
    assert len(runs) == 1 + len(trials)
    for trial in trials.values():
        history = store.get_metric_history(trial.info.run_id, "epoch")
        assert [metric.step for metric in history] == [*range(1, EPOCHS + 1)]
    return parent, trials


def test_only_missing_seeds_are_trained(
    two: tuple[Path, str, str], start: Start, tmp_path: Path
) -> None:
    folder, out = tmp_path / "repository", two[1]
    subprocess.run(["cp", "-r", two[0], folder], check=True)
    first = seeds(folder)
    started = time.monotonic()
    assert run(start, folder, 2) == (out.splitlines()[-1:], [])
    repeated = time.monotonic() - started

    started = time.monotonic()
    lines, _ = run(start, folder, 3)
    assert [line.split(":")[0] for line in lines] == ["1/1", "mnist/vae"]
    assert "seed 3" in lines[0]
    assert repeated < time.monotonic() - started
    third = seeds(folder)
    assert {seed: third[seed] for seed in first} == first
    assert list(third) == ["1", "2", "3"]


# --- interrupted and killed


def test_after_new_params_all_seeds_are_trained_and_sigterm_ends_it(
    two: tuple[Path, str, str], start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    subprocess.run(["cp", "-r", two[0], folder], check=True)
    put("variants.vae.training.batch_size", 32)(folder)
    before = seeds(folder)
    process = start(folder, *SEEDS, "2")
    assert first_line(process).startswith("1/2: mnist/vae, seed 1: ")
    assert_ended(process, folder, signal.SIGTERM, lambda: process.send_signal(signal.SIGTERM))
    assert seeds(folder) == before


def test_after_ctrl_c_and_a_kill_the_command_continues_with_the_same_bits(
    two: tuple[Path, str, str], repository: Path, start: Start
) -> None:
    process = start(repository, *SEEDS, "2")
    first_line(process)
    assert_ended(process, repository, signal.SIGINT, lambda: os.killpg(process.pid, signal.SIGINT))

    process = start(repository, sys.executable, "-c", KILLED, *SEEDS[1:], "2")
    out, err = process.communicate()
    assert (process.returncode, err) == (-signal.SIGKILL, "")
    assert [line.partition(": psnr")[0] for line in out.splitlines()] == ["1/2: mnist/vae, seed 1"]
    assert_no_process(repository)
    assert folders_of(process) != []  # nothing can delete them at once

    lines, errors = run(start, repository, 2)
    assert folders_of(process) == []
    assert errors == []
    assert [line.split(":")[0] for line in lines] == ["1/2", "2/2", "mnist/vae"]
    two_first = {seed: seeds(two[0])[seed] for seed in ("1", "2")}
    assert seeds(repository) == two_first
    _, trials = tracked(repository)
    assert sorted(trials) == ["seeds@mnist-vae/1", "seeds@mnist-vae/2"]
    assert [path.name for path in (repository / paths.STUDIES).iterdir()] == ["lock"]


def first_line(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of the first trial."""
    assert process.stdout is not None
    return process.stdout.readline()


def assert_ended(
    process: "subprocess.Popen[str]", folder: Path, number: int, end: Callable[[], None]
) -> None:
    """Assert that a command ends completely, in one line, after a signal."""
    end()
    _, err = process.communicate(timeout=60)
    assert err == "interrupted: no incomplete file is left\n"
    assert process.returncode == 128 + number
    assert_no_process(folder)
    assert folders_of(process) == []


def assert_no_process(folder: Path) -> None:
    """Assert that all processes with a repository's environment end within some seconds."""
    deadline = time.monotonic() + SECONDS
    while left := [process for process in psutil.process_iter() if is_of(process, folder)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def is_of(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return bool(process.environ().get("PYTHONPATH") == os.fspath(folder / "src"))
    return False


def folders_of(process: "subprocess.Popen[str]") -> list[Path]:
    """Return the folders of Ray's files that a process has left."""
    return [*Path("/tmp").glob(f".autoencoders-*.part/*/session_*_{process.pid}")]
