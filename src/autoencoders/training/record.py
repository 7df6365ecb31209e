"""What a training has come to: its epochs, and the best of them; and who is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from autoencoders.training.settings import Training

Row = dict[str, float]


class Progress:
    """What is told about a training while it runs; this one does nothing with it."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Hear how many epochs of so many steps there are, and how many are done already."""

    def step(self) -> None:
        """Hear that one batch is done."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Hear that one epoch is done; `row` is its line of the history."""


SILENT = Progress()


@dataclass
class Record:
    """One row per epoch, and the weights of the epoch whose validation loss was lowest."""

    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def note(self, row: Row, weights: Mapping[str, Tensor]) -> None:
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
