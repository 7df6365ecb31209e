"""A training that is stopped goes on where it was, and ends with the same bits."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoencoders import files

Runner = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.xdist_group("interruption")

TRAIN = ("autoencoders", "train", "mnist", "vae")
WEIGHTS = "models/mnist/vae/model.safetensors"


def test_stopped_trainings_go_on_and_end_with_the_same_weights(
    tmp_path: Path,
    copy_repository: Callable[[Path], Path],
    run: Runner,
    environment: dict[str, str],
) -> None:
    repository = copy_repository(tmp_path / "copy")
    run(repository, "autoencoders", "fetch", "mnist")
    run(repository, "autoencoders", "prepare", "mnist")
    run(repository, *TRAIN)
    uninterrupted = files.digest(repository / WEIGHTS)
    (repository / WEIGHTS).unlink()
    for stop, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        assert stop_after_first_epoch(repository, environment, stop) == code
        assert not (repository / WEIGHTS).exists()
        assert len(list((repository / "checkpoints").glob("mnist-vae-*.pt"))) == 1
        done = run(repository, *TRAIN)
        assert "epoch 1/2" not in done.stderr
        assert "epoch 2/2" in done.stderr
        assert files.digest(repository / WEIGHTS) == uninterrupted
        assert not list((repository / "checkpoints").glob("*.pt"))
        (repository / WEIGHTS).unlink()


def stop_after_first_epoch(
    repository: Path, environment: dict[str, str], stop: signal.Signals
) -> int:
    process = subprocess.Popen(
        TRAIN,
        cwd=repository,
        env=environment | {"PYTHONPATH": os.fspath(repository / "src")},
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with Ctrl-C ignored, and they hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 1/2" in line:
            process.send_signal(stop)
            break
    process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60)
