"""The origin of a run as tags: params, commit, DVC experiment, command, user, process."""

import contextlib
import getpass
import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Mapping
from typing import Any

import psutil

# The pipeline writes these, and some are committed: their changes are not edits by the user.
OUTPUTS = ("data", "models", "reports", "dvc.lock")
CLOCK_SECONDS = 60  # tolerance, because a machine's clock may be set while a process runs


def origin_tags() -> dict[str, str]:
    """Return the tags `git.commit`, `git.dirty` and `dvc.exp`, without unknown ones.

    The commit is that of this repository, also in DVC's temporary copies, but never that of a
    repository around this folder. `git.dirty` is "true" if a tracked file, other than an output of
    the pipeline, differs from the commit.
    """
    tags = {}
    commit = _git("rev-parse", "HEAD")
    if commit and _git("rev-parse", "--show-prefix") == "":  # the top of the work tree
        sources = (".", *(f":(exclude){output}" for output in OUTPUTS))
        edited = _git("status", "--porcelain", "--untracked-files=no", "--", *sources)
        tags = {"git.commit": commit, "git.dirty": "true" if edited else "false"}
        tags["mlflow.source.git.commit"] = commit
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.exp"] = experiment
    return tags


def source_tags(command: str) -> dict[str, str]:
    """Return the tags of the command, the user and this process for MLflow's table of runs."""
    tags = {"mlflow.source.name": command, "mlflow.source.type": "LOCAL", **process_tags()}
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user without a name
        tags["mlflow.user"] = getpass.getuser()
    return tags


def process_tags() -> dict[str, str]:
    """Return the tags `host` and `process`, which together identify this process uniquely."""
    this = psutil.Process()
    return {"host": socket.gethostname(), "process": f"{this.pid}@{this.create_time():.0f}"}


def is_running(process: str) -> bool:
    """Return whether the process of this machine with the tag `process` still runs."""
    try:
        pid, start = map(int, process.split("@"))
        return abs(psutil.Process(pid).create_time() - start) < CLOCK_SECONDS
    except (psutil.Error, ValueError):
        return False


def fingerprint(params: Mapping[str, Any]) -> str:
    """Return the SHA-256 of params; the order of the keys does not matter."""
    text = json.dumps(params, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _git(*arguments: str) -> str | None:
    """Return the output of git; None if git fails, for example outside a repository."""
    # DVC or an editor may lock the index while a stage runs: do not wait for it.
    command = ["git", "--no-optional-locks", *arguments]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout.strip()
