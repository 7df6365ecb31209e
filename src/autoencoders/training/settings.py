"""Training settings in params.yaml; a setting with a default may be absent there."""

from typing import Annotated, TypeAlias

from pydantic import Field

from autoencoders.components import Component, OneOf, Strict
from autoencoders.param_types import (
    Count,
    Fraction,
    Framework,
    Initialization,
    Precision,
    Text,
    Widths,
)
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES
from autoencoders.variants.assembly import Parts

AnOptimizer: TypeAlias = Annotated[Component, OneOf(OPTIMIZERS)]
ASchedule: TypeAlias = Annotated[Component, OneOf(SCHEDULES)]

CONSTANT = {"kind": "constant"}


class Training(Strict):
    """Training settings of a variant.

    Attributes:
        epochs: the number of passes over the training images.
        batch_size: the number of images in an update.
        optimizers: one optimiser for each step of the objective, by the step's name.
        schedule: the learning-rate schedule.
        initialization: how initial weights are drawn.
        initial_weights: a file of weights that replace the drawn ones, see `find_weights.read`.
        precision: the number format in which networks compute.
        ema_decay: the final decay of an exponential moving average of the weights, see
            `averaging.growing_decay`; the average is validated and saved; 0 disables it.
        early_stopping_patience: the number of epochs in a row without a lower validation loss
            after which training stops; null disables early stopping.
        threads: the number of CPU threads; it changes the order of sums, and so the last digits.
        framework: the library that trains; the files of the trained variant are the same.
    """

    epochs: Count
    batch_size: Count
    optimizers: dict[str, AnOptimizer]
    schedule: ASchedule = Field(CONSTANT, validate_default=True)
    initialization: Initialization = "default"
    initial_weights: Text | None = Field(None, exclude_if=lambda value: value is None)
    precision: Precision = "auto"
    ema_decay: Fraction = 0.0
    early_stopping_patience: Count | None = None
    threads: Count = 1
    framework: Framework = "torch"


class Variant(Parts):
    """A variant in params.yaml: input × model × objective, and its training settings."""

    training: Training


class Classifier(Strict):
    """Settings of the network that classifies a dataset's images, and of its training.

    `channels` are the channel counts of its convolutions; `features` is the width of its last
    hidden layer.
    """

    channels: Widths
    features: Count
    epochs: Count
    batch_size: Count
    optimizer: AnOptimizer
    schedule: ASchedule = Field(CONSTANT, validate_default=True)
    threads: Count = 1
