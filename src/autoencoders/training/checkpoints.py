"""Checkpoints of unfinished trainings; a file name has a hash of all that affects the results."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from autoencoders import files
from autoencoders.errors import warn


def path(folder: Path, name: str, *dependencies: Any) -> Path:
    """Return the path in `folder` of the checkpoint of a training.

    `dependencies` are the JSON values that affect its results: settings, digests, versions.
    """
    key = json.dumps(dependencies, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return folder / f"{name.replace('/', '-')}-{digest[:16]}.pt"


def save(target: Path, state: dict[str, Any]) -> None:
    """Write `state` to `target` in one operation: the file never holds a part of it."""
    stream = BytesIO()
    torch.save(state, stream)
    files.write_bytes(target, stream.getvalue())


def load(source: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the state saved at `source`, with its tensors on `device`, or None without a file.

    A damaged file is deleted with a warning, because training can create it again.
    """
    if not source.exists():
        return None
    try:
        with ZipFile(source) as archive:  # torch.load does not verify checksums
            if damaged := archive.testzip():
                raise ValueError(f"wrong checksum of {damaged}")
        state: dict[str, Any] = torch.load(source, map_location=device, weights_only=True)
    except Exception as error:
        files.remove(source)
        warn(
            f"the checkpoint {source} is unreadable ({files.describe_error(error)}): it is "
            "deleted, and training restarts from epoch 1"
        )
        return None
    return state
