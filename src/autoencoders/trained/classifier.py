"""A dataset's classifier as files, and back again."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from autoencoders import files
from autoencoders.device import CPU
from autoencoders.errors import UserError
from autoencoders.param_types import ImageShape
from autoencoders.paths import RECORD, WEIGHTS
from autoencoders.trained import weights
from autoencoders.training.settings import Classifier
from autoencoders.variants.classifier import ConvClassifier

MOMENTS = "test_images.safetensors"


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


class Moments(NamedTuple):
    """A Gaussian fitted to features: mean `(d,)` and covariance `(d, d)`, float64."""

    mean: Tensor
    covariance: Tensor


class Judge(NamedTuple):
    """A dataset's classifier, and the moments of its features of the test images.

    These are the same for all variants that are judged, and cost as much as the reconstructions'.
    """

    classifier: ConvClassifier
    moments: Moments


ADAPTER = TypeAdapter(ClassifierDescription)


def moments(features: Tensor) -> Moments:
    """Return the moments of features `(N, d)`; the covariance of one vector is zero."""
    count, size = features.shape
    vectors = features.double()
    covariance = vectors.T.cov(correction=min(1, count - 1))
    return Moments(vectors.mean(0), covariance.reshape(size, size))


def save(folder: Path, description: ClassifierDescription, judge: Judge | None) -> None:
    """Write the record, and the weights and moments where there are any, as all of `folder`."""
    with files.atomic_directory(folder) as temporary:
        files.write_bytes(temporary / RECORD, weights.record(ADAPTER, description))
        if judge is not None:
            weights.save(temporary / WEIGHTS, judge.classifier)
            of_images = {name: value.cpu() for name, value in judge.moments._asdict().items()}
            files.write_bytes(temporary / MOMENTS, to_bytes(of_images))


def load(folder: Path, device: torch.device = CPU) -> ConvClassifier | None:
    """Return a frozen classifier on `device`, None where the dataset has one class only.

    Args:
        folder: where `save` has written.
        device: where the network goes.

    Raises:
        UserError: a file is missing, or the weights do not fit the network.
    """

    def built(description: ClassifierDescription) -> ConvClassifier | None:
        settings = description.settings
        if not description.exists:
            return None
        return ConvClassifier(
            description.image_shape, description.classes, settings.channels, settings.features
        )

    _, network = weights.load(folder, ADAPTER, built, lambda network: network)
    return network and network.to(device)


def load_judge(folder: Path, device: torch.device = CPU) -> Judge | None:
    """Return what `load` does, with the moments of the test images, on `device` too.

    Raises:
        UserError: a file is missing, or damaged, or they do not fit each other.
    """
    classifier = load(folder, device)
    if classifier is None:
        return None
    size = classifier.hidden.out_features
    with files.readable(folder / MOMENTS) as path:
        of_images = Moments(**load_file(path))
        if [value.shape for value in of_images] != [(size,), (size, size)]:
            raise ValueError(f"it is not of {size} features")
        if not all(value.isfinite().all() for value in of_images):
            raise ValueError("it holds numbers that are not finite")
    return Judge(classifier, Moments(*(value.to(device) for value in of_images)))


def load_teacher(folder: Path, device: torch.device) -> tuple[ConvClassifier, str]:
    """Return what `load` does, for an objective to learn from, and the SHA-256 of its weights.

    Raises:
        UserError: a file is missing or damaged, or the dataset has one class.
    """
    classifier = load(folder, device)
    if classifier is None:
        raise UserError(
            f"{folder} holds no network, as the dataset has one class: choose an objective that "
            "needs none"
        )
    return classifier, files.digest(folder / WEIGHTS)
