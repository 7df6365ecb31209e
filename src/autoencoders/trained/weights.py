"""Files of a trained network: its weights, and the record of its training."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import TypeAdapter
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import nn

from autoencoders import files, yaml12
from autoencoders.paths import RECORD, WEIGHTS

Description = TypeVar("Description")
Built = TypeVar("Built")


def save(target: Path, network: nn.Module) -> None:
    """Write a network's weights to `target`; the same weights give the same bytes."""
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    files.write_bytes(target, to_bytes(weights))


def load(
    folder: Path,
    adapter: TypeAdapter[Description],
    build: Callable[[Description], Built],
    network_of: Callable[[Built], nn.Module | None],
) -> tuple[Description, Built]:
    """Return the record of a training, and the object built from it, with a frozen network.

    Args:
        folder: the folder with the weights and the record.
        adapter: validates the record.
        build: returns an object with the untrained network. It runs on the meta device, where
            networks have no weights.
        network_of: returns the network of that object; None if it has no network.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the network.
    """
    with files.readable(folder / RECORD) as path:
        description = adapter.validate_python(yaml12.parse(path.read_text("utf-8")))
        with torch.device("meta"):
            built = build(description)
    network = network_of(built)
    if network is None:
        return description, built
    with files.readable(folder / WEIGHTS) as path:
        weights = from_bytes(path.read_bytes())
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise ValueError("some weights are not finite numbers")
        network.to_empty(device="cpu").load_state_dict(weights)
    network.eval().requires_grad_(False)
    return description, built


def record(adapter: TypeAdapter[Description], description: Description) -> bytes:
    """Return the record of a training as the content of a YAML file."""
    return yaml12.dump(adapter.dump_python(description, mode="json")).encode()
