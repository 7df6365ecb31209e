"""Small variants, and classes that record their training, for the tests of the loop."""

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
    """Return training settings with Adam and float32; `changes` replace any of them."""
    return Training.model_validate(
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizers": {"model": ADAM},
            "precision": "float32",
        }
        | changes
    )


class ProgressLog(Progress):
    """Record the progress, and interrupt the training at an epoch or a step."""

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


class RecordedInput(Input):
    """An input that records batches of images and the encoder inputs that it returns."""

    def __init__(self, inner: Input) -> None:
        self.inner = inner
        self.images: list[Tensor] = []
        self.inputs: list[Tensor] = []

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        inputs = self.inner(images, noise)
        self.images.append(images.clone())
        self.inputs.append(inputs.clone())
        return inputs

    def shape(self, image_shape: ImageShape) -> ImageShape:
        return self.inner.shape(image_shape)

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        return self.inner.yardsticks()


class FixedLosses(Reconstruction):
    """Return losses from two lists, one per update and one per validation, without gradients.

    The last number of a list repeats.
    """

    def __init__(self, steps: list[float] | None = None, validations: list[float] | None = None):
        super().__init__("mse")
        self.steps_left, self.validations_left = steps or [1.0], validations or [1.0]

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        losses = self.steps_left if torch.is_grad_enabled() else self.validations_left
        value = losses.pop(0) if len(losses) > 1 else losses[0]
        terms = super().terms(networks, inputs, images, noise)
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
    """Assemble the parts, with the same weights in each call.

    The default input is clean. There is no check that the objective suits the model.
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
    progress: ProgressLog | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> list[Row]:
    """Train on the CPU; return the history."""
    learner = loop.TorchLearner(assembled, training, seed, "blobs", CPU, SINGLE_PROCESS)
    return loop.fit(learner, images, validation_images, progress or ProgressLog(), checkpoint)


def weights(assembled: Assembled) -> list[Tensor]:
    """Return copies of a variant's weights: the model, then the networks of the objective."""
    return [parameter.detach().clone() for parameter in assembled.networks.parameters()]


def identical(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def tiny_classifier() -> Classifier:
    """Return the settings of a small classifier for 8×8 pixels, which trains in seconds."""
    return Classifier.model_validate(
        {
            **{"channels": [4, 4], "features": 8, "epochs": 4, "batch_size": 20},
            "optimizer": {"kind": "muon", "lr": 0.02, "adam_lr": 0.01},
            "schedule": {"kind": "one_cycle", "warmup": 0.2},
        }
    )


def halves(blobs: Blobs, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return images of blobs, and labels: whether the left half is brighter."""
    images = blobs(count, SHAPE, seed)
    left, right = (half.float().sum((1, 2, 3)) for half in images.split(4, dim=3))
    return images, (left > right).byte()
