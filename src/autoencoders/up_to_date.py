"""What on disk this configuration has made, and what something else has: DVC knows."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from autoencoders import yaml12
from autoencoders.errors import UserError

LOCK = Path("dvc.lock")


def up_to_date() -> set[str]:
    """Return the names of the stages whose outputs are what `dvc repro` has made, or would make.

    Their params, sources, inputs and outputs are those that dvc.lock has, and so are those of all
    stages before them. Whatever else lies there came with a clone, or from another configuration.

    Raises:
        UserError: DVC cannot say, as while it runs.
    """
    locked = _locked()
    changed = _changed()
    following = changed
    while following:
        following = {
            name
            for name, entry in locked.items()
            if name not in changed and any(_reads(entry, locked.get(s, {})) for s in following)
        }
        changed |= following
    return set(locked) - changed


def _locked() -> dict[str, Any]:
    """Return what DVC knows of the stages that it has run, by their names."""
    if not LOCK.exists():
        return {}
    stages: dict[str, Any] = yaml12.read(LOCK)["stages"]
    return stages


def _changed() -> set[str]:
    """Return the names of the stages that `dvc repro` would run, as far as can be said before."""
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1].lower()
        raise UserError(f"`dvc status` failed ({reason}): what it says is wrong comes first")
    return set(json.loads(done.stdout))


def _reads(stage: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether a stage depends on an output of another one."""
    read = [PurePosixPath(dep["path"]) for dep in stage.get("deps", ())]
    written = [PurePosixPath(out["path"]) for out in other.get("outs", ())]
    return any(a.is_relative_to(b) or b.is_relative_to(a) for a in read for b in written)
