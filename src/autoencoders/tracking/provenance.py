"""What a run was made from, and by: params, commit, DVC experiment, command, process."""

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

# The pipeline itself rewrites these, and some are committed: no sign of edited sources.
OUTPUTS = ("data", "models", "reports", "dvc.lock")
CLOCK_SECONDS = 60  # by which a machine's clock may be set while a process runs


def origin_tags() -> dict[str, str]:
    """Return the tags `git.commit`, `git.dirty` and `dvc.exp`, as far as they are known.

    The commit is that of the repository's root, in DVC's temporary copies too: not that of a git
    repository around a folder that has none. `git.dirty` is "true" where a tracked file differs
    from it, other than the pipeline's own outputs.
    """
    tags = {}
    commit = _git("rev-parse", "HEAD")
    if commit and _git("rev-parse", "--show-prefix") == "":  # here is the top of git's tree
        sources = (".", *(f":(exclude){output}" for output in OUTPUTS))
        edited = _git("status", "--porcelain", "--untracked-files=no", "--", *sources)
        tags = {"git.commit": commit, "git.dirty": "true" if edited else "false"}
        tags["mlflow.source.git.commit"] = commit
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.exp"] = experiment
    return tags


def source_tags(command: str) -> dict[str, str]:
    """Return the tags by which MLflow's table says who ran what, and those of this process."""
    named = {"mlflow.source.name": command, "mlflow.source.type": "LOCAL", **process_tags()}
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user without a name
        named["mlflow.user"] = getpass.getuser()
    return named


def process_tags() -> dict[str, str]:
    """Return the tags `host` and `process` of this process; no other has both, now or later."""
    this = psutil.Process()
    return {"host": socket.gethostname(), "process": f"{this.pid}@{this.create_time():.0f}"}


def is_running(process: str) -> bool:
    """Tell whether a process of this machine, by its tag `process`, still runs."""
    try:
        pid, start = map(int, process.split("@"))
        return abs(psutil.Process(pid).create_time() - start) < CLOCK_SECONDS
    except (psutil.Error, ValueError):
        return False


def fingerprint(params: Mapping[str, Any]) -> str:
    """Return the SHA-256 of params, whatever the order of their keys."""
    text = json.dumps(params, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Join nested keys by dots and make the values text: `{"a": {"b": 1}}` to `{"a.b": "1"}`."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _git(*arguments: str) -> str | None:
    """Return what git prints; None without git, or outside a repository with a commit."""
    # DVC or an editor may hold the index while a stage runs: never wait for it, never lock it.
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
