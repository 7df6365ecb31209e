"""A stopped training resumes from its checkpoint and ends with the same bits."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run
from safetensors.torch import load_file

from autoencoders import files
from tests.faults.changes import put

Runner = Callable[..., subprocess.CompletedProcess[str]]

TRAIN = ("autoencoders", "train", "mnist", "vae")
# Without --no-run-cache DVC takes the weights from its cache.
REPRO = ("dvc", "repro", "--no-run-cache", "--force", "--single-item", "train@mnist-vae")
TORCHRUN = ("torchrun", "--standalone", "--nproc-per-node", "2", "--no-python")
MODEL = Path("models/mnist/vae")
WRITTEN = ("model.safetensors", "history.csv", "params.yaml")
ATOL = 1e-5  # measured: 3e-8; a step of Adam's is 3e-3

# The command line; it kills itself at a given moment of the training.
KILLED = """
import itertools, os, signal, sys
from autoencoders import cli, files, progress
from autoencoders.trained import variant

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def at_call(n, then, before):
    calls = itertools.count(1)
    return lambda *arguments: (before if next(calls) < n else then)(*arguments)

def write_half(target, content):
    with files.atomic_file(target) as temporary:
        temporary.write_bytes(content[: len(content) // 2])
        die()

write = files.write_bytes
moment, *arguments = sys.argv[1:]
if moment == "in the first epoch":
    progress.TrainingProgress.step = at_call(3, die, lambda *_: None)
elif moment == "writing the first checkpoint":
    files.write_bytes = write_half
elif moment == "writing the second checkpoint":
    files.write_bytes = at_call(2, write_half, write)
elif moment == "after the last epoch":
    variant.save = die
elif moment == "writing the weights":
    files.write_bytes = at_call(3, write_half, write)
sys.exit(cli.main(arguments))
"""


@pytest.fixture
def repository(repository: Path) -> Path:
    """Return a repository without a trained `vae`."""
    shutil.rmtree(repository / MODEL)
    return repository


def assert_the_same_bits(folder: Path, expected: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(WRITTEN)
    for name in WRITTEN:
        assert files.digest(folder / name) == files.digest(expected / name), name


# --- interruptions


def test_after_ctrl_c_a_training_resumes_and_ends_with_the_same_bits(
    repository: Path, built: Path, run: Runner, environment: dict[str, str]
) -> None:
    assert stop_after_first_epoch(repository, environment) == 130
    assert not (repository / MODEL / "model.safetensors").exists()
    assert len(list((repository / "checkpoints").glob("mnist-vae-*.pt"))) == 1
    done = run(repository, *TRAIN)
    assert "epoch 1/2" not in done.stderr
    assert "epoch 2/2" in done.stderr
    assert_the_same_bits(repository / MODEL, built / MODEL)
    assert list((repository / "checkpoints").iterdir()) == []


def stop_after_first_epoch(repository: Path, environment: dict[str, str]) -> int:
    process = subprocess.Popen(
        TRAIN,
        cwd=repository,
        env=environment | {"PYTHONPATH": os.fspath(repository / "src")},
        stderr=subprocess.PIPE,
        text=True,
        # Background jobs of a shell, and their children, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 1/2" in line:
            process.send_signal(signal.SIGINT)
            break
    process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60)


MOMENTS = {
    "in the first epoch": 0,
    "writing the first checkpoint": 0,
    "writing the second checkpoint": 1,
    "after the last epoch": 2,
    "writing the weights": 2,
}


@pytest.mark.parametrize(("moment", "epochs_kept"), MOMENTS.items(), ids=MOMENTS)
def test_after_kill_9_a_training_resumes_and_loses_at_most_one_epoch(
    repository: Path, built: Path, run: Runner, moment: str, epochs_kept: int
) -> None:
    killed = run(repository, sys.executable, "-c", KILLED, moment, *TRAIN[1:], fails=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = run(repository, *(REPRO if moment == "writing the weights" else TRAIN))
    done_now = [epoch for epoch in (1, 2) if f"epoch {epoch}/2" in done.stderr]
    assert done_now == [1, 2][epochs_kept:]
    assert_the_same_bits(repository / MODEL, built / MODEL)
    assert list((repository / "checkpoints").iterdir()) == []


# --- several processes


def test_two_processes_have_the_results_and_the_run_of_one(
    repository: Path, run: Runner, tmp_path: Path
) -> None:
    # In float32, because bfloat16 rounds the gradients of half a batch differently, by 0.001.
    put("variants.vae.training.precision", "float32")(repository)
    run(repository, *TRAIN)
    shutil.move(repository / MODEL, tmp_path / "alone")
    before = tracked(repository)

    done = run(repository, *TORCHRUN, *TRAIN, GLOO_SOCKET_IFNAME="lo")
    assert done.stdout.count("train@mnist-vae: validation loss") == 1
    assert [done.stderr.count(f"epoch {epoch}/2") for epoch in (1, 2)] == [1, 1]
    now = tracked(repository)
    (new,) = now.keys() - before.keys()
    assert now[new].info.run_name == "train@mnist-vae"
    assert now[new].info.status == "FINISHED"

    together, alone = repository / MODEL, tmp_path / "alone"
    assert {path.name for path in together.iterdir()} == set(WRITTEN)
    assert list((repository / "checkpoints").iterdir()) == []
    assert files.digest(together / "params.yaml") == files.digest(alone / "params.yaml")
    weights, expected = (load_file(folder / "model.safetensors") for folder in (together, alone))
    torch.testing.assert_close(weights, expected, rtol=0, atol=ATOL)
    rows, expected_rows = (pd.read_csv(folder / "history.csv") for folder in (together, alone))
    pd.testing.assert_frame_equal(rows, expected_rows, rtol=1e-5)


def tracked(repository: Path) -> dict[str, Run]:
    store = MlflowClient(f"sqlite:///{repository / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("small")
    assert experiment is not None
    return {run.info.run_id: run for run in store.search_runs([experiment.experiment_id])}


def test_another_stage_under_torchrun_is_one_error(repository: Path, run: Runner) -> None:
    before = tracked(repository)
    done = run(repository, *TORCHRUN, "autoencoders", "evaluate", "mnist", "vae", fails=True)
    # torchrun then prints many lines about its failed processes.
    errors = {line for line in done.stderr.splitlines() if line.startswith("error: ")}
    assert errors == {
        "error: torchrun: found 2 processes for evaluate@mnist-vae; allowed: one; run it without "
        "torchrun, which is only for train"
    }
    assert tracked(repository).keys() == before.keys()
