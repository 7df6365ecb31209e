"""Copies of the working tree in which the pipeline runs for real and touches nothing outside.

The benchmark times stages in them, and `tests/pipeline` tests them there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoencoders.errors import UserError

OUTPUTS = ("data/", "models/", "reports/", "dvc.lock")
FOREIGN = ("DVC_", "GIT_", "MLFLOW_", "DATASET_MIRROR", "PYTHON")  # variables that lead elsewhere


def environment(settings: Path) -> dict[str, str]:
    """Return this process's environment without what would lead a stage out of its copy.

    DVC's own settings and caches go to the folder `settings`.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    folders = {
        f"DVC_{what}_DIR": str(settings / what)
        for what in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
    }
    return (
        kept
        | folders
        | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "DVC_NO_ANALYTICS": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    )


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Run a command, and return the seconds that it takes.

    Raises:
        UserError: it fails.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise UserError(f"`{' '.join(command)}` fails in a copy:\n{done.stdout}{done.stderr}")
    return seconds


def copy_working_tree(source: Path, target: Path) -> None:
    """Copy what git knows or would take up, without outputs; also of what is no git repository."""
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if (source / ".git").exists():
        names = _git(source, *listed)
    else:  # an unpacked ZIP: an empty repository knows nothing and would take up the same
        with tempfile.TemporaryDirectory() as empty:
            _git(source, "init", "--quiet", "--bare", empty)
            names = _git(source, f"--git-dir={empty}", f"--work-tree={source}", *listed)
    for name in filter(None, names.split("\0")):
        if not name.startswith(OUTPUTS) and (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(repository: Path, environment: dict[str, str]) -> None:
    """Make a folder a git repository with all its files in one commit."""
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("config", "user.name", "A"),
        ("config", "user.email", "a@example.org"),
        ("add", "--all"),
        ("commit", "--quiet", "--no-verify", "--message", "A copy"),
    ):
        subprocess.run(("git", *command), cwd=repository, env=environment, check=True)
