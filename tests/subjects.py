"""Variants put together without training, and put to the test, for evaluation and figures."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autoencoders.evaluation.subject import SPLITS, Subject
from autoencoders.keys import ImageShape
from autoencoders.trained.classifier import Judge, moments
from autoencoders.variants.assembly import Assembled, Parts, assemble
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.inputs import Clean
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.objectives import Objective
from autoencoders.variants.objectives.base import Networks

CPU = torch.device("cpu")


def untrained(parts: Parts | dict[str, Any], image_shape: ImageShape) -> Assembled:
    """Return a variant as params.yaml has it, frozen, with the weights that it starts from."""
    variant = Parts.model_validate(parts)
    assembled = assemble(variant, image_shape, name="test", initialization="kaiming")
    assembled.networks.eval().requires_grad_(False)
    return assembled


def put_together(objective: Objective, network: Autoencoder, image_shape: ImageShape) -> Assembled:
    """Return a variant of a network that the test has made, seeing the image itself."""
    networks = Networks(network, objective.networks())
    networks.eval().requires_grad_(False)
    return Assembled(Clean(), objective, networks, image_shape, image_shape)


def subject(
    assembled: Assembled,
    images: Tensor | Mapping[str, Tensor],
    *,
    labels: Mapping[str, Tensor] | None = None,
    input_kind: str = "clean",
    classifier: ConvClassifier | None = None,
    seed: int = 0,
    batch_size: int = 7,
) -> Subject:
    """Put a variant to the test on uint8 images, the same of all splits or of each its own."""
    of_splits = dict.fromkeys(SPLITS, images) if isinstance(images, Tensor) else images
    judge = None
    if classifier is not None:
        judge = Judge(classifier, moments(classifier.features(of_splits["test"] / 255)))
    one_class = {split: torch.zeros(len(of_splits[split])).long() for split in SPLITS}
    return Subject(
        assembled,
        input_kind,
        of_splits,
        labels or one_class,
        judge,
        seed,
        CPU,
        batch_size=batch_size,
    )
