"""Unfinished trainings on disk, each named by all that its numbers depend on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from autoencoders import files, paths


def path(
    name: str,
    configuration: Any,
    data_sha256: str,
    code_sha256: str,
    device: torch.device,
    processes: int,
) -> Path:
    """Return where the checkpoint of this configuration, data, code and machinery belongs."""
    machinery = [torch.__version__, device.type, processes]
    key = json.dumps([configuration, data_sha256, code_sha256, machinery], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return paths.checkpoints() / f"{name}-{digest[:16]}.pt"


def save(target: Path, state: dict[str, Any]) -> None:
    """Write `state`; a reader finds the old state or the new one, never a part."""
    with files.atomic_file(target) as temporary:
        torch.save(state, temporary)


def load(source: Path, device: torch.device) -> dict[str, Any] | None:
    """Return the state saved at `source`, its tensors on `device`; None where there is none."""
    if not source.exists():
        return None
    state: dict[str, Any] = torch.load(source, map_location=device, weights_only=True)
    return state
