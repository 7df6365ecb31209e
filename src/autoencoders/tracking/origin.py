"""What a run was made from: params, commit, DVC experiment."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

# The pipeline itself rewrites these, and some are committed: no sign of edited sources.
OUTPUTS = ("data", "models", "reports", "dvc.lock")


def origin() -> dict[str, str]:
    """Return the tags `git.commit`, `git.dirty` and `dvc.exp`, as far as they are known.

    The commit is that of the working directory, in DVC's temporary copies too. `git.dirty` is
    "true" where a tracked file differs from it, other than the pipeline's own outputs.
    """
    tags = {}
    commit = _git("rev-parse", "HEAD")
    if commit:
        sources = (".", *(f":(exclude){output}" for output in OUTPUTS))
        edited = _git("status", "--porcelain", "--untracked-files=no", "--", *sources)
        tags = {"git.commit": commit, "git.dirty": "true" if edited else "false"}
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.exp"] = experiment
    return tags


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
