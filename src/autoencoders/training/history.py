"""A training's history, the weights of its best epoch, and the interface for its progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from autoencoders.training.settings import Training

Row = dict[str, float]


class Progress:
    """Receives a training's progress; a method does nothing unless a subclass overrides it."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Start `epochs` of `steps` batches each, of which `done` epochs are finished."""

    def step(self) -> None:
        """Count one finished batch."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Take a finished epoch; `row` is its line of the history."""


SILENT = Progress()


@dataclass
class Record:
    """One row per epoch, and the weights of the epoch whose validation loss was lowest."""

    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Row, weights: Mapping[str, Tensor]) -> None:
        """Add an epoch, and keep a copy of its weights where they are the best so far."""
        self.history.append(row)
        if not self.best or row["validation_loss"] < self.best["loss"]:
            kept = {name: weight.clone() for name, weight in weights.items()}
            loss, epoch = row["validation_loss"], len(self.history)
            self.best = {"loss": loss, "epoch": epoch, "networks": kept}

    def finished(self, training: Training) -> bool:
        """Tell whether all epochs are done, or too many since the best one."""
        patience = training.early_stopping_patience
        since_best = len(self.history) - self.best["epoch"] if self.best else 0
        stopped_early = patience is not None and since_best >= patience
        return stopped_early or len(self.history) >= training.epochs
