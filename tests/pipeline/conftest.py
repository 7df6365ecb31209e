"""Small copies of the repository in which the whole pipeline runs."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import copies
from tests.saved import built_once, clone

VARIANTS = ("conv", "vae", "aae")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return this process's environment without variables that point outside the copy."""
    settings = tmp_path_factory.mktemp("dvc-settings")
    return copies.environment(settings) | {"AUTOENCODERS_DEVICE": "cpu"}


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return `run(folder, "dvc", "repro")`; the command must succeed unless `fails` is set."""

    def run(
        folder: Path, *command: str, fails: bool = False, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        # Use the code of the copy, not the installed package.
        source = {"PYTHONPATH": str(folder / "src")} if (folder / "src").exists() else {}
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment | source | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def copy_repository(environment: dict[str, str]) -> Callable[[Path], Path]:
    """Return `copy_repository(target)`: commits the work tree there, with small params."""
    return lambda target: clone(target, VARIANTS, environment)


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    copy_repository: Callable[[Path], Path],
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> Path:
    """Return a repository in which all stages have run, shared by all workers: do not change it."""

    def build(folder: Path) -> None:
        run(copy_repository(folder), "autoencoders", "repro", "--jobs", "2")

    return built_once(tmp_path_factory, worker_id, "built", build)


@pytest.fixture
def repository(built: Path, tmp_path: Path) -> Path:
    """Return a copy of `built` that one test may change."""
    return shutil.copytree(built, tmp_path / "repository", symlinks=True)
