"""A dataset's classifier as files, and back again."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from autoencoders import files
from autoencoders.errors import UserError
from autoencoders.keys import ImageShape
from autoencoders.randomness import seeded_initialisation
from autoencoders.trained import weights
from autoencoders.trained.weights import RECORD, WEIGHTS
from autoencoders.training.settings import Classifier
from autoencoders.variants.networks.classifier import ConvClassifier
from autoencoders.variants.networks.initialization import kaiming

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ClassifierDescription:
    """What was trained on what. A dataset of one class has no classifier, only this record."""

    dataset: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    classes: int
    settings: Classifier

    @property
    def exists(self) -> bool:
        """Tell whether there are classes to tell apart."""
        return self.classes > 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain content for YAML."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        return record | {
            "image_shape": list(self.image_shape),
            "settings": self.settings.model_dump(mode="json"),
        }


FORM = TypeAdapter(ClassifierDescription)


def build(description: ClassifierDescription) -> ConvClassifier:
    """Return the untrained network; its weights depend on the seed and the dataset's name."""
    settings = description.settings
    name = f"{description.dataset}/classifier/initialisation"
    with seeded_initialisation(description.seed, name):
        network = ConvClassifier(
            description.image_shape, description.classes, settings.channels, settings.features
        )
        kaiming(network)
    return network


def save(folder: Path, description: ClassifierDescription, network: ConvClassifier | None) -> None:
    """Write the record, and the weights where there are any, as the whole of `folder`."""
    with files.atomic_directory(folder) as temporary:
        weights.save_record(temporary / RECORD, description.as_dict())
        if network is not None:
            weights.save(temporary / WEIGHTS, network)


def load(folder: Path, stage: str, device: torch.device = CPU) -> ConvClassifier | None:
    """Return a frozen classifier on `device`, None where the dataset has one class only.

    Args:
        folder: where `save` has written.
        stage: the name of the stage that writes it, for complaints.
        device: where the network goes.

    Raises:
        UserError: a file is missing, or the weights do not fit the network.
    """
    description = load_description(folder, stage)
    if not description.exists:
        return None
    with files.readable(folder / RECORD, stage):
        network = build(description)
    weights.load_into(network, folder, stage)
    return network.to(device)


def weights_sha256(folder: Path, stage: str) -> str:
    """Return the SHA-256 of a classifier's weights.

    Raises:
        UserError: a file is missing, or the dataset has one class and so no classifier.
    """
    description = load_description(folder, stage)
    if not description.exists:
        raise UserError(
            f"{description.dataset} has one class and so no classifier: choose an objective that "
            "needs none"
        )
    return weights.sha256(folder, stage)


def load_description(folder: Path, stage: str) -> ClassifierDescription:
    """Return what a folder that `save` wrote says of its classifier."""
    return weights.load_record(folder, stage, FORM)
