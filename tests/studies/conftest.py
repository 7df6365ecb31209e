"""A small repository with a trained `vae`, and commands that run in copies of it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import copies
from tests.faults.changes import put
from tests.saved import built_once, clone

EPOCHS = 10
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return this process's environment without variables that point outside a copy."""
    settings = tmp_path_factory.mktemp("dvc-settings")
    return copies.environment(settings) | {"AUTOENCODERS_DEVICE": "cpu"}


@pytest.fixture(scope="session")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, environment: dict[str, str]
) -> Path:
    """Return a repository in which `vae` was evaluated, for all workers: do not change it."""

    def build(folder: Path) -> None:
        clone(folder, ["vae"], environment)
        put("variants.vae.training.epochs", EPOCHS)(folder)
        command = ["autoencoders", "repro", "evaluate@mnist-vae"]
        copies.run(command, folder, inside(folder, environment))

    return built_once(tmp_path_factory, worker_id, "evaluated", build)


@pytest.fixture
def repository(evaluated: Path, tmp_path: Path) -> Path:
    """Return a copy of `evaluated` that one test may change."""
    return shutil.copytree(evaluated, tmp_path / "repository", symlinks=True)


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Start:
    """Return `start(folder, "autoencoders", "seeds", …)`, which starts a command there."""

    def start(folder: Path, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=folder,
            env=inside(folder, environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as in a terminal, Ctrl-C reaches all processes of the group
            # Background jobs of a shell, and their children, ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


def inside(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which commands run the code of a repository."""
    return environment | {"PYTHONPATH": os.fspath(folder / "src")}
