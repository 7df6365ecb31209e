"""Saving and loading of a dataset's classifier."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from autoencoders import files
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import CPU
from autoencoders.errors import UserError
from autoencoders.param_types import ImageShape
from autoencoders.paths import RECORD, WEIGHTS
from autoencoders.trained import weights
from autoencoders.training.classifier import apply_in_batches
from autoencoders.training.settings import Classifier
from autoencoders.variants.classifier import ConvClassifier

MOMENTS = "test_images.safetensors"


@dataclass(frozen=True)
class ClassifierDescription:
    """The record of a classifier's training. A dataset with one class has only this record."""

    dataset: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    classes: int
    settings: Classifier

    @property
    def exists(self) -> bool:
        """Return whether the dataset has two or more classes, and therefore a classifier."""
        return self.classes > 1


class Moments(NamedTuple):
    """A Gaussian fitted to features: mean `(d,)` and covariance `(d, d)`, float64."""

    mean: Tensor
    covariance: Tensor


class Judge(NamedTuple):
    """A dataset's classifier, and the moments of its features of the measured images.

    All variants of a dataset share the moments, so they are computed once.
    """

    classifier: ConvClassifier
    moments: Moments


ADAPTER = TypeAdapter(ClassifierDescription)


def moments(features: Tensor) -> Moments:
    """Return the mean and covariance of features `(N, d)`; for N = 1 the covariance is zero."""
    count, size = features.shape
    vectors = features.double()
    covariance = vectors.T.cov(correction=min(1, count - 1))
    return Moments(vectors.mean(0), covariance.reshape(size, size))


def judge_of(classifier: ConvClassifier, images: Tensor, device: torch.device) -> Judge:
    """Return a classifier with the moments of its features of images `(N, C, H, W)`, uint8."""
    return Judge(classifier, moments(apply_in_batches(classifier.features, images, device)))


def save(folder: Path, description: ClassifierDescription, judge: Judge | None) -> None:
    """Replace `folder` with the record and, unless `judge` is None, the weights and moments."""
    with files.atomic_directory(folder) as temporary:
        files.write_bytes(temporary / RECORD, weights.record(ADAPTER, description))
        if judge is not None:
            weights.save(temporary / WEIGHTS, judge.classifier)
            tensors = {name: value.cpu() for name, value in judge.moments._asdict().items()}
            files.write_bytes(temporary / MOMENTS, to_bytes(tensors))


def load(folder: Path, device: torch.device = CPU) -> ConvClassifier | None:
    """Return the frozen classifier that `save` wrote; None if the dataset has one class.

    Args:
        folder: the classifier's folder.
        device: the device of the network.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the network.
    """

    def build(description: ClassifierDescription) -> ConvClassifier | None:
        settings = description.settings
        if not description.exists:
            return None
        return ConvClassifier(
            description.image_shape, description.classes, settings.channels, settings.features
        )

    _, network = weights.load(folder, ADAPTER, build, lambda network: network)
    return network and network.to(device)


def load_judge(folder: Path) -> Judge | None:
    """Return the classifier and its moments, on the CPU; None if the dataset has one class.

    Raises:
        UserError: a file is missing or damaged, or the files do not fit each other.
    """
    classifier = load(folder)
    if classifier is None:
        return None
    size = classifier.hidden.out_features
    with files.readable(folder / MOMENTS) as path:
        loaded = Moments(**from_bytes(path.read_bytes()))
        if [value.shape for value in loaded] != [(size,), (size, size)]:
            raise ValueError(f"the moments do not have {size} features")
        if not all(value.isfinite().all() for value in loaded):
            raise ValueError("the moments are not finite numbers")
    return Judge(classifier, loaded)


def judge_for(judge: Judge | None, data: Prepared, device: torch.device) -> Judge | None:
    """Return a dataset's judge on `device`, with the moments of the images that stand for tests."""
    if judge is None:
        return None
    classifier = judge.classifier.to(device)
    if data.test != "test":  # the saved moments are of test images
        return judge_of(classifier, data.images(data.test), device)
    return Judge(classifier, Moments(*(value.to(device) for value in judge.moments)))


def load_teacher(folder: Path, device: torch.device) -> tuple[ConvClassifier, str]:
    """Return the frozen classifier for an objective, and the SHA-256 of its weights.

    Raises:
        UserError: a file is missing or damaged, or the dataset has one class.
    """
    classifier = load(folder, device)
    if classifier is None:
        raise UserError(
            f"objective: found perceptual, but {folder} has no classifier, because the dataset has "
            "one class; allowed: another objective"
        )
    return classifier, files.digest(folder / WEIGHTS)
