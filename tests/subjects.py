"""Untrained variants, as if trained, for the tests of evaluation and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoencoders.components import Component
from autoencoders.datasets.prepared import Metadata, Prepared, SplitInfo
from autoencoders.evaluation.features import SPLITS
from autoencoders.evaluation.settings import Evaluation
from autoencoders.param_types import ImageShape
from autoencoders.trained.classifier import Judge, moments
from autoencoders.trained.variant import Description, Trained
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, Parts, assemble
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.inputs import Clean
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.objectives.base import Networks, Objective

CPU = torch.device("cpu")
VAE = {
    "input": {"kind": "clean"},
    "model": {"kind": "mlp_vae", "hidden": [8], "latent_size": 2},
    "objective": {"kind": "variational", "likelihood": "gaussian"},
}


def untrained(parts: Parts | dict[str, Any], image_shape: ImageShape) -> Assembled:
    """Return a frozen, untrained variant for entries as in params.yaml."""
    variant = Parts.model_validate(parts)
    assembled = assemble(variant, image_shape, name="test", initialization="kaiming")
    assembled.networks.eval().requires_grad_(False)
    return assembled


def assembled_with(
    objective: Objective, network: Autoencoder, image_shape: ImageShape
) -> Assembled:
    """Return a frozen variant with a network of the test and a clean input."""
    networks = Networks(network, objective.networks())
    networks.eval().requires_grad_(False)
    return Assembled(Clean(), objective, networks, image_shape, image_shape)


def loaded(
    assembled: Assembled,
    images: Tensor | Mapping[str, Tensor],
    *,
    labels: Mapping[str, Tensor] | None = None,
    class_names: Sequence[str] = ("all",),
    name: str = "vae",
    input_kind: str = "clean",
    seed: int = 0,
    batch_size: int = 7,
) -> Trained:
    """Return a variant as if it were loaded.

    `images` are uint8 `(N, C, H, W)`: one tensor for all splits, or one for each split.
    """
    images_of = dict.fromkeys(SPLITS, images) if isinstance(images, Tensor) else images
    data = Prepared(Path("pictures"))
    for split, split_images in images_of.items():
        one_class = torch.zeros(len(split_images)).long()
        data._opened[split] = split_images, labels[split] if labels else one_class
    shape = assembled.image_shape
    data.metadata = Metadata(
        *("pictures", "Pictures", "stand-in", tuple(class_names), shape),
        splits={
            split: SplitInfo(len(split_images), (len(split_images),), "", "")
            for split, split_images in images_of.items()
        },
        sha256="0" * 64,
    )
    variant = Variant.model_construct(input=Component(kind=input_kind))
    source = ("stand-in", "0" * 64, shape)
    description = Description("pictures", name, seed, *source, variant)
    return Trained(
        **vars(assembled),
        description=description,
        folder=Path("nowhere"),
        data=data,
        batch_size=batch_size,
    )


def judge(classifier: ConvClassifier, images: Tensor) -> Judge:
    """Return a classifier and the moments of its features of uint8 images `(N, C, H, W)`."""
    return Judge(classifier, moments(classifier.features(images / 255)))


def settings(**changes: Any) -> Evaluation:
    """Return the settings of a small evaluation, with `changes`."""
    small = {
        "batch_size": 10,
        "elbo_draws": 2,
        "iwae_samples": 2,
        "iwae_images": 8,
        "knn_neighbours": 3,
        "label_counts": [12, 1000],
        "label_draws": 2,
        "noise_levels": {},
        "noise_images": 8,
    }
    return Evaluation.model_validate(small | changes)
