"""How long and how networks learn, as params.yaml says it; what is neutral needs no line there."""

from typing import Annotated, TypeAlias

from pydantic import Field

from autoencoders.components import Component, OneOf, Strict
from autoencoders.param_types import Count, Fraction, Framework, Initialization, Precision, Widths
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES
from autoencoders.variants.assembly import Parts

AnOptimizer: TypeAlias = Annotated[Component, OneOf(OPTIMIZERS)]
ASchedule: TypeAlias = Annotated[Component, OneOf(SCHEDULES)]

CONSTANT = {"kind": "constant"}


class Training(Strict):
    """How long and how a variant learns; `epochs` are passes over the training images.

    There is one optimiser for each step that an update of the objective takes, by its name.
    `ema_decay` is that of an exponential moving average of the weights, which is then what is
    validated and saved; 0 averages nothing. `early_stopping_patience` is how many epochs in a row
    may not lower the validation loss before training ends; null never ends it early. `threads` is
    how many compute on the CPU: more of them add in another order, so that they decide bits.
    `framework` is what computes; the trained variant is the same files, whichever it is.
    """

    epochs: Count
    batch_size: Count
    optimizers: dict[str, AnOptimizer]
    schedule: ASchedule = Field(CONSTANT, validate_default=True)
    initialization: Initialization = "default"
    precision: Precision = "auto"
    ema_decay: Fraction = 0.0
    early_stopping_patience: Count | None = None
    threads: Count = 1
    framework: Framework = "torch"


class Variant(Parts):
    """What the encoder sees × the network × what one update is, and how it is trained."""

    training: Training


class Classifier(Strict):
    """The network that tells a dataset's classes apart, and how it learns.

    `channels` are the widths of its convolutions, `features` that of the layer before the classes.
    """

    channels: Widths
    features: Count
    epochs: Count
    batch_size: Count
    optimizer: AnOptimizer
    schedule: ASchedule = Field(CONSTANT, validate_default=True)
    threads: Count = 1
