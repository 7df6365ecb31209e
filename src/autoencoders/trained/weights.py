"""Weights beside the record of what was trained on what, which every trained network has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from autoencoders import files
from autoencoders.errors import UserError

WEIGHTS = "model.safetensors"
RECORD = "params.yaml"


def save(target: Path, network: nn.Module) -> None:
    """Write a network's weights; the same weights are the same bytes."""
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    with files.atomic_file(target) as temporary:
        save_file(weights, temporary)


def load_into(network: nn.Module, folder: Path, stage: str) -> None:
    """Give a network the weights in a folder that `stage` writes, and freeze it.

    Raises:
        UserError: the weights are missing, or do not fit the network.
    """
    weights = files.require(folder / WEIGHTS, stage)
    try:
        network.load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{weights} does not fit the model in {folder / RECORD} ({reason}): "
            f"train it again with `dvc repro -f -s {stage}`"
        ) from None
    network.eval().requires_grad_(False)


def sha256(folder: Path, stage: str) -> str:
    """Return the SHA-256 of the weights' file: what identifies a trained network."""
    return files.digest(files.require(folder / WEIGHTS, stage))


def save_record(target: Path, record: Mapping[str, Any]) -> None:
    """Write what was trained on what."""
    with files.atomic_file(target) as temporary:
        temporary.write_text(yaml.safe_dump(dict(record), sort_keys=False), encoding="utf-8")


def load_record(folder: Path, stage: str) -> dict[str, Any]:
    """Read what was trained on what; shapes are tuples again."""
    record = yaml.safe_load(files.require(folder / RECORD, stage).read_text("utf-8"))
    return {**record, "image_shape": tuple(record["image_shape"])}
