"""The project's trainer on one variant, as every part of the benchmark starts it."""

from dataclasses import dataclass
from typing import Any

import torch
import torch._dynamo  # or the first optimiser imports it, and takes a second
from torch import Tensor

from autoencoders import params, paths, trained
from autoencoders.data import splits
from autoencoders.data.datasets import DATASETS
from autoencoders.data.splits import Bytes
from autoencoders.device import device
from autoencoders.params import Params, Training, Variant
from autoencoders.training import loop
from benchmarks.settings import DATASET, QUICK


class Silent:
    """Progress that nobody watches."""

    def step(self) -> None:
        """Say nothing."""

    def epoch(self, row: loop.Row, images_per_second: float) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Trainer:
    """A variant, built and ready to train."""

    networks: trained.Networks
    training: Training
    name: str
    seed: int

    def train(self, train_images: Tensor, validation_images: Tensor) -> list[loop.Row]:
        """Train; return the history."""
        return loop.train(
            model=self.networks.model,
            objective=self.networks.objective,
            corruption=self.networks.corruption,
            train_images=train_images,
            validation_images=validation_images,
            training=self.training,
            seed=self.seed,
            name=self.name,
            device=device(),
            progress=Silent(),
        )


def tutorial(name: str, epochs: int) -> Trainer:
    """Return a variant with the reference's batch size, optimisers and rates, at our precision."""
    loaded = params.load()
    variant = loaded.variants[f"{name}_tutorial"]
    return _with(loaded, name, variant, epochs=epochs, precision="auto")


def quick(name: str) -> Trainer:
    """Return a variant with the settings that reach the reference's quality soonest."""
    loaded = params.load()
    return _with(loaded, name, loaded.variants[name], **QUICK[name])


def prepared(split: str, count: int) -> Bytes:
    """Return the first images of a split, as the pipeline's stages open them."""
    return splits.load(paths.prepared(DATASET), split, mmap=True)[0][:count]


def tensor(images: Bytes) -> Tensor:
    """Return images as the trainer takes them."""
    return torch.from_numpy(images)


def _with(loaded: Params, name: str, variant: Variant, **training: Any) -> Trainer:
    """Return a variant, built, with some of its training settings replaced."""
    description = trained.Description(
        dataset=DATASET,
        name=name,
        seed=loaded.seed,
        source="official",
        data_sha256="",
        image_shape=DATASETS[DATASET].shape,
        variant=variant,
    )
    changed = Training.model_validate(variant.training.model_dump() | training)
    return Trainer(trained.build(description), changed, f"{DATASET}/{name}", loaded.seed)
