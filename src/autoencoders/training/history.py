"""The history of a training, the weights of its best epoch, and the interface for progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from autoencoders.training.settings import Training

Row = dict[str, float]


class Progress:
    """Receive the progress of a training; methods do nothing unless a subclass overrides them."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Start a training of `epochs` with `steps` batches each; `done` epochs are finished."""

    def step(self) -> None:
        """Count one finished batch."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Record a finished epoch; `row` is its row of the history."""

    def weights(self, epoch: int, weights: Mapping[str, Tensor]) -> None:
        """Receive the weights after an epoch, of any shape, by their names in the networks."""


SILENT = Progress()


@dataclass
class Record:
    """The history with one row per epoch, and the weights of the best epoch.

    The best epoch is the one with the lowest validation loss. Weights have any shape.
    """

    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Row, weights: Mapping[str, Tensor]) -> None:
        """Add an epoch; copy its weights if its validation loss is the lowest until now."""
        self.history.append(row)
        if not self.best or row["validation_loss"] < self.best["loss"]:
            copies = {name: weight.clone() for name, weight in weights.items()}
            loss, epoch = row["validation_loss"], len(self.history)
            self.best = {"loss": loss, "epoch": epoch, "networks": copies}

    def finished(self, training: Training) -> bool:
        """Return whether all epochs are done, or early stopping ends the training."""
        patience = training.early_stopping_patience
        since_best = len(self.history) - self.best["epoch"] if self.best else 0
        stopped_early = patience is not None and since_best >= patience
        return stopped_early or len(self.history) >= training.epochs
