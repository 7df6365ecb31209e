"""A trained variant as files, and back again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from autoencoders import files
from autoencoders.errors import UserError
from autoencoders.inputs import INPUTS, ImageShape, Input
from autoencoders.models import MODELS, Autoencoder
from autoencoders.models.initialization import kaiming
from autoencoders.objectives import OBJECTIVES, Objective, Perceive
from autoencoders.params import Variant
from autoencoders.randomness import seeded_initialisation

WEIGHTS = "model.safetensors"
HISTORY = "history.csv"
PARAMS = "params.yaml"


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
        return {
            "dataset": self.dataset,
            "name": self.name,
            "seed": self.seed,
            "source": self.source,
            "data_sha256": self.data_sha256,
            "image_shape": list(self.image_shape),
            "variant": self.variant.model_dump(mode="json"),
            "classifier_sha256": self.classifier_sha256,
        }


@dataclass(frozen=True)
class Networks:
    """A variant's three parts, built."""

    corruption: Input
    model: Autoencoder
    objective: Objective

    def as_module(self) -> nn.ModuleDict:
        """Return what is saved: the model and the objective's own networks."""
        return nn.ModuleDict({"model": self.model, "objective": self.objective})


def build(description: Description, perceive: Perceive | None = None) -> Networks:
    """Return the untrained networks; their weights depend on the seed and the names alone.

    `perceive` is what an objective that learns from a classifier needs to learn, and only then.
    """
    variant, image_shape = description.variant, description.image_shape
    name = f"{description.dataset}/{description.name}/initialisation"
    corruption = variant.input.build(INPUTS)
    with seeded_initialisation(description.seed, name):
        model = variant.model.build(
            MODELS, input_shape=corruption.shape(image_shape), image_shape=image_shape
        )
        objective = variant.objective.build(
            OBJECTIVES, latent_shape=model.latent_shape, perceive=perceive
        )
        if variant.training.initialization == "kaiming":
            kaiming(model)
    return Networks(corruption, model, objective)


def save(
    folder: Path, description: Description, networks: Networks, history: list[dict[str, float]]
) -> None:
    """Write the weights, the history and the resolved params into `folder`."""
    weights = {
        name: value.cpu().contiguous() for name, value in networks.as_module().state_dict().items()
    }
    with files.atomic_file(folder / WEIGHTS) as temporary:
        save_file(weights, temporary)
    with files.atomic_file(folder / HISTORY) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    with files.atomic_file(folder / PARAMS) as temporary:
        temporary.write_text(
            yaml.safe_dump(description.as_dict(), sort_keys=False), encoding="utf-8"
        )


def load(folder: Path) -> tuple[Description, Networks]:
    """Return a trained variant, its networks in evaluation mode on the CPU.

    Raises:
        UserError: a file is missing, or the weights do not fit the model.
    """
    description = load_description(folder)
    networks = build(description)
    weights = files.require(folder / WEIGHTS, _stage(folder))
    try:
        networks.as_module().load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{weights} does not fit the model in {folder / PARAMS} ({reason}): "
            f"train it again with `dvc repro -f -s {_stage(folder)}`"
        ) from None
    module = networks.as_module().eval().requires_grad_(False)
    module.to(memory_format=torch.channels_last)  # evaluates 2 to 3 times faster
    return description, networks


def load_description(folder: Path) -> Description:
    """Return the resolved params of a trained variant."""
    content = yaml.safe_load(files.require(folder / PARAMS, _stage(folder)).read_text("utf-8"))
    channels, height, width = content.pop("image_shape")
    variant = Variant.model_validate(content.pop("variant"))
    return Description(**content, image_shape=(channels, height, width), variant=variant)


def load_history(folder: Path) -> pd.DataFrame:
    """Return one row per epoch, as `training.loop.train` describes them."""
    return pd.read_csv(files.require(folder / HISTORY, _stage(folder)))


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch whose weights were kept: the lowest validation loss."""
    best = history["validation_loss"].argmin()
    return {str(name): float(value) for name, value in history.iloc[int(best)].items()}


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of the weights' file: what identifies a trained model."""
    return files.digest(files.require(folder / WEIGHTS, _stage(folder)))


def _stage(folder: Path) -> str:
    return f"train@{folder.parent.name}-{folder.name}"
