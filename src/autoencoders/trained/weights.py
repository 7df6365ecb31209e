"""Weights beside the record of what was trained on what, which every trained network has."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from autoencoders import files, yaml12
from autoencoders.paths import RECORD, WEIGHTS

Description = TypeVar("Description")
Built = TypeVar("Built")


def save(target: Path, network: nn.Module) -> None:
    """Write a network's weights; the same weights are the same bytes."""
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    files.write_bytes(target, to_bytes(weights))


def load(
    folder: Path,
    form: TypeAdapter[Description],
    build: Callable[[Description], Built],
    network_of: Callable[[Built], nn.Module | None],
) -> tuple[Description, Built]:
    """Return what was trained on what, and what is built of that, its network frozen.

    Args:
        folder: has the weights and the record.
        form: of the record.
        build: builds the untrained network, and any object around it; it runs on the meta device,
            where no weights are drawn.
        network_of: returns the network of what is built; None where it has none, and no weights.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the network.
    """
    with files.readable(folder / RECORD) as path:
        description = form.validate_python(yaml12.parse(path.read_text("utf-8")))
        with torch.device("meta"):
            built = build(description)
    network = network_of(built)
    if network is None:
        return description, built
    with files.readable(folder / WEIGHTS) as path:
        weights = load_file(path)
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise ValueError("it holds numbers that are not finite")
        network.to_empty(device="cpu").load_state_dict(weights)
    network.eval().requires_grad_(False)
    return description, built


def record(form: TypeAdapter[Description], description: Description) -> bytes:
    """Return what was trained on what as the content of a file."""
    return yaml12.dump(form.dump_python(description, mode="json")).encode()
