"""Unfinished trainings on disk, each named by all that its numbers depend on."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from autoencoders import files
from autoencoders.errors import warn


def path(folder: Path, name: str, *decisive: Any) -> Path:
    """Return where in `folder` the checkpoint of a training belongs.

    `decisive` is all that decides its numbers, as JSON takes it: settings, digests, versions.
    """
    key = json.dumps(decisive, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return folder / f"{name.replace('/', '-')}-{digest[:16]}.pt"


def save(target: Path, state: dict[str, Any]) -> None:
    """Write `state`; a reader finds the old state or the new one, never a part."""
    stream = BytesIO()
    torch.save(state, stream)
    files.write_bytes(target, stream.getvalue())


def load(source: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the state saved at `source`, its tensors on `device`; None where there is none.

    One that is cut off or altered is deleted with a warning: it can be made again.
    """
    if not source.exists():
        return None
    try:
        with ZipFile(source) as archive:  # torch.load does not look at the checksums
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is altered")
        state: dict[str, Any] = torch.load(source, map_location=device, weights_only=True)
    except Exception as error:
        files.remove(source)
        warn(
            f"the checkpoint {source} is unreadable ({files.describe_error(error)}): it is "
            "deleted, and the training starts anew"
        )
        return None
    return state
