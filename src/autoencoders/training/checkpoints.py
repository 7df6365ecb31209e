"""Unfinished trainings on disk, each named by all that its numbers depend on."""

import hashlib
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from autoencoders import files, paths
from autoencoders.errors import warn

SEAL_BYTES = 64  # of a SHA-256 in hexadecimal, after the state


def path(
    name: str,
    configuration: Any,
    data_sha256: str,
    code_sha256: str,
    device: torch.device,
    processes: int,
    versions: Sequence[str],
) -> Path:
    """Return where the checkpoint of this configuration, data, code and machinery belongs.

    `versions` are those of the libraries that compute.
    """
    machinery = [*versions, device.type, processes]
    key = json.dumps([configuration, data_sha256, code_sha256, machinery], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return paths.checkpoints() / f"{name}-{digest[:16]}.pt"


def save(target: Path, state: dict[str, Any]) -> None:
    """Write `state` and the digest of it; a reader finds the old state or the new, never a part."""
    stream = BytesIO()
    torch.save(state, stream)
    seal = hashlib.sha256(stream.getbuffer()).hexdigest().encode()
    files.write_bytes(target, stream.getvalue() + seal)


def load(source: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the state saved at `source`, its tensors on `device`; None where there is none.

    One that is not, to the byte, what `save` wrote is deleted with a warning: it can be made again.
    """
    if not source.exists():
        return None
    try:
        content = source.read_bytes()
        whole, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
        if hashlib.sha256(whole).hexdigest().encode() != seal:
            raise ValueError("it is truncated or altered")
        state: dict[str, Any] = torch.load(BytesIO(whole), map_location=device, weights_only=True)
    except Exception as error:
        files.remove(source)
        warn(
            f"the checkpoint {source} is unreadable ({files.reason(error)}): it is deleted, and "
            "the training starts anew"
        )
        return None
    return state
