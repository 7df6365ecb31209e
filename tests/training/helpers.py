"""Small variants, and those who listen to their training, for the tests of the loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoencoders.param_types import ImageShape
from autoencoders.randomness import Noise, seeded_initialisation
from autoencoders.training import loop
from autoencoders.training.history import Progress, Row
from autoencoders.training.parallel import SINGLE_PROCESS
from autoencoders.training.settings import Classifier, Training
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.inputs import Clean, Input
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.convolutional import ConvAE
from autoencoders.variants.models.mlp import MlpAE, MlpVAE
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.reconstruction import Reconstruction

Blobs = Callable[..., Tensor]

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
LR = 2e-3
ADAM = {"kind": "adam", "lr": LR}
RMSPROP = {"kind": "rmsprop", "lr": 3e-3}
MUON = {"kind": "muon", "lr": 0.02, "momentum": 0.9, "adam_lr": 2e-3}
ONE_CYCLE = {"kind": "one_cycle", "warmup": 0.3, "final": 0.1}
THREE_ADAMS = dict.fromkeys(Adversarial.steps, ADAM)


def settings(epochs: int = 1, batch_size: int = 8, **changes: Any) -> Training:
    """Return what trains for so long by Adam, in float32 unless `changes` say otherwise."""
    return Training.model_validate(
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizers": {"model": ADAM},
            "precision": "float32",
        }
        | changes
    )


class Heard(Progress):
    """A progress that remembers, and may pull the plug at an epoch or a step."""

    def __init__(self, stop_at_epoch: int | None = None, stop_at_step: int | None = None) -> None:
        self.stop_at_epoch, self.stop_at_step = stop_at_epoch, stop_at_step
        self.steps = 0
        self.rows: list[Row] = []

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self.steps += done * steps

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.stop_at_step:
            raise KeyboardInterrupt

    def epoch(self, row: Row, images_per_second: float) -> None:
        assert images_per_second > 0
        self.rows.append(dict(row))
        if len(self.rows) == self.stop_at_epoch:
            raise KeyboardInterrupt


class Recorded(Input):
    """An input that remembers the batches it was given and what it made of them."""

    def __init__(self, inner: Input) -> None:
        self.inner = inner
        self.images: list[Tensor] = []
        self.seen: list[Tensor] = []

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        seen = self.inner(images, noise)
        self.images.append(images.clone())
        self.seen.append(seen.clone())
        return seen

    def shape(self, image_shape: ImageShape) -> ImageShape:
        return self.inner.shape(image_shape)

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        return self.inner.yardsticks()


class Told(Reconstruction):
    """Has the losses that it is told, one per update and one per validation, and learns nothing.

    Where a list has run out, its last number stays.
    """

    def __init__(self, steps: list[float] | None = None, validations: list[float] | None = None):
        super().__init__("mse")
        self.told, self.validations = steps or [1.0], validations or [1.0]

    def terms(self, networks: Networks, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        losses = self.told if torch.is_grad_enabled() else self.validations
        value = losses.pop(0) if len(losses) > 1 else losses[0]
        terms = super().terms(networks, seen, images, noise)
        return terms | {"loss": 0 * terms["loss"] + value}


@seeded_initialisation(0, "model")
def plain(latent_size: int = 3, hidden: int = 24) -> Autoencoder:
    return MlpAE(SHAPE, SHAPE, [hidden], latent_size)


@seeded_initialisation(0, "model")
def convolutional() -> Autoencoder:
    return ConvAE(SHAPE, SHAPE, [4, 4], [4, 4], "transposed")


@seeded_initialisation(0, "model")
def variational() -> Autoencoder:
    return MlpVAE(SHAPE, SHAPE, hidden=[24], latent_size=3)


def adversarial(latent_size: int = 3, hidden: int = 16) -> Adversarial:
    return Adversarial((latent_size,), discriminator_hidden=[hidden, hidden])


def variant(model: Autoencoder, objective: Objective, input: Input | None = None) -> Assembled:
    """Return these parts put together, with the same weights at every call.

    The input is clean if unset. The objective is not asked whether it can learn with the model.
    """
    with seeded_initialisation(0, "objective"):
        networks = Networks(model, objective.networks())
    return Assembled(input or Clean(), objective, networks, SHAPE, SHAPE)


def run(
    assembled: Assembled,
    images: Tensor,
    validation_images: Tensor,
    training: Training,
    *,
    progress: Heard | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> list[Row]:
    """Train on the CPU; return the history."""
    learner = loop.TorchLearner(assembled, training, seed, "blobs", CPU, SINGLE_PROCESS)
    return loop.fit(learner, images, validation_images, progress or Heard(), checkpoint)


def weights(assembled: Assembled) -> list[Tensor]:
    """Return copies of a variant's weights, the model's and then the objective's own."""
    return [parameter.detach().clone() for parameter in assembled.networks.parameters()]


def identical(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def tiny_classifier() -> Classifier:
    """Return the settings of a classifier for 8×8 pixels that learns in seconds."""
    return Classifier.model_validate(
        {
            **{"channels": [4, 4], "features": 8, "epochs": 4, "batch_size": 20},
            "optimizer": {"kind": "muon", "lr": 0.02, "adam_lr": 0.01},
            "schedule": {"kind": "one_cycle", "warmup": 0.2},
        }
    )


def halves(blobs: Blobs, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return blobs, and for each whether its left half is the brighter one."""
    images = blobs(count, SHAPE, seed)
    left, right = (half.float().sum((1, 2, 3)) for half in images.split(4, dim=3))
    return images, (left > right).byte()
