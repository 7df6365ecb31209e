"""Copies of the working tree in which the pipeline runs without writing outside of them.

The benchmark times stages in such copies, and `tests/pipeline` tests stages in them.
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
SEEDS = "reports/seeds/README.md"  # the stage `report` depends on its folder
MIRROR = "DATASET_MIRROR"
FOREIGN = (
    "DVC_",
    "GIT_",
    "MLFLOW_",
    MIRROR,
    "PYTHON",
)  # variables that name other places


def environment(settings: Path) -> dict[str, str]:
    """Return the environment of this process without variables that name places outside a copy.

    DVC writes its settings and caches to the folder `settings`.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    folders = {
        f"DVC_{name}_DIR": str(settings / name)
        for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")
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


def official_mirror() -> dict[str, str]:
    """Return DATASET_MIRROR, with an absolute path for a folder; empty if it is not set."""
    if not (mirror := os.environ.get(MIRROR)):
        return {}
    return {MIRROR: mirror if "://" in mirror else os.fspath(Path(mirror).resolve())}


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Run a command and return its seconds of wall time.

    Raises:
        UserError: the command fails.
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
    """Copy the files that git tracks or would add, without outputs; git may be missing there."""
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if (source / ".git").exists():
        names = _git(source, *listed)
    else:  # an unpacked ZIP: an empty repository outside of it lists the same files
        with tempfile.TemporaryDirectory() as empty:
            _git(source, "init", "--quiet", "--bare", empty)
            names = _git(source, f"--git-dir={empty}", f"--work-tree={source}", *listed)
    for name in filter(None, names.split("\0")):
        if (name == SEEDS or not name.startswith(OUTPUTS)) and (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(repository: Path, environment: dict[str, str]) -> None:
    """Make a folder a git repository with one commit of all its files."""
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("config", "user.name", "A"),
        ("config", "user.email", "a@example.org"),
        ("add", "--all"),
        ("commit", "--quiet", "--no-verify", "--message", "A copy"),
    ):
        subprocess.run(("git", *command), cwd=repository, env=environment, check=True)
