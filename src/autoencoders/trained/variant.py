"""A trained variant as files, and back again."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import TypeAdapter

from autoencoders import files
from autoencoders.keys import ImageShape
from autoencoders.trained import weights
from autoencoders.trained.weights import RECORD, WEIGHTS
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.objectives.perceptual import Perceive

HISTORY = "history.csv"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Description:
    """What was trained on what: the resolved params beside the weights.

    `classifier_sha256` is of the classifier that the objective learns from; None where it does not.
    """

    dataset: str
    name: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    variant: Variant
    classifier_sha256: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain content for YAML and for hashing."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        return record | {
            "image_shape": list(self.image_shape),
            "variant": self.variant.model_dump(mode="json"),
        }


FORM = TypeAdapter(Description)


def build(description: Description, perceive: Perceive | None = None) -> Assembled:
    """Return the untrained variant; its weights depend on the seed and the names alone.

    `perceive` is what an objective that learns from a classifier needs to learn, and only then.
    """
    return assemble(
        description.variant,
        description.image_shape,
        description.seed,
        f"{description.dataset}/{description.name}",
        description.variant.training.initialization,
        perceive,
    )


def save(
    folder: Path, description: Description, assembled: Assembled, history: list[dict[str, float]]
) -> None:
    """Write the weights, the history and the resolved params into `folder`."""
    weights.save(folder / WEIGHTS, assembled.networks)
    with files.atomic_file(folder / HISTORY) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    weights.save_record(folder / RECORD, description.as_dict())


def load(folder: Path, device: torch.device = CPU) -> tuple[Description, Assembled]:
    """Return a trained variant, its networks in evaluation mode on `device`.

    Args:
        folder: where `save` has written.
        device: where the networks go.

    Raises:
        UserError: a file is missing, or the weights do not fit the model.
    """
    description = load_description(folder)
    with files.readable(folder / RECORD):
        assembled = build(description)
    weights.load_into(assembled.networks, folder)
    # Laid out as they are trained, networks evaluate 2 to 3 times faster.
    assembled.networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return description, assembled


def load_description(folder: Path) -> Description:
    """Return the resolved params of a trained variant."""
    return weights.load_record(folder, FORM)


def load_history(folder: Path) -> pd.DataFrame:
    """Return one row per epoch, as `training.loop.train` describes them.

    Raises:
        UserError: the file is missing or damaged.
    """
    with files.readable(folder / HISTORY) as path:
        lines = files.read_lines(path)
        if len({line.count(",") for line in lines}) > 1:  # pandas would fill up what is missing
            raise ValueError("its lines are not of one length")
        lines.seek(0)
        history = pd.read_csv(lines)
        if list(history["epoch"]) != list(range(1, len(history) + 1)) or history.empty:
            raise ValueError("its epochs do not count from 1")
        if "validation_loss" not in history:
            raise ValueError("it has no validation loss")
        if not np.isfinite(history.to_numpy(float)).all():
            raise ValueError("it has cells that are no finite numbers")
    return history


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch whose weights were kept: the lowest validation loss."""
    best = history["validation_loss"].argmin()
    return {str(name): float(value) for name, value in history.iloc[int(best)].items()}
