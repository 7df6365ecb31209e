"""The project's trainer on one variant, as every part of the benchmark starts it."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autoencoders import params, trained
from autoencoders.data.datasets import DATASETS
from autoencoders.device import device
from autoencoders.params import Params, Training, Variant
from autoencoders.stages import common
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


def prepared(split: str, count: int) -> Tensor:
    """Return the first images of a split, as the pipeline's stages open them."""
    return common.images(DATASET, split)[:count]


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
