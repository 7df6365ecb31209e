"""Display of training progress: a bar in a terminal, otherwise one line per epoch."""

import sys
from collections.abc import Callable, Mapping

from torch import Tensor
from tqdm import tqdm

from autoencoders.training.history import Progress, Row

Weights = Mapping[str, Tensor]


class TrainingProgress(Progress):
    """Show the progress of a training on standard error, and pass on each epoch.

    `on_epoch` receives rows of the history, and `on_weights` weights of any shape. If several
    processes train together, `show` is true for only one of them.
    """

    def __init__(
        self,
        name: str,
        on_epoch: Callable[[int, Row], None],
        on_weights: Callable[[int, Weights], None] = lambda epoch, weights: None,
        show: bool = True,
    ) -> None:
        self.name = name
        self.on_epoch = on_epoch
        self.on_weights = on_weights
        self.show = show
        self.bar = tqdm(
            desc=name,
            unit="step",
            disable=not (show and sys.stderr.isatty()),
            dynamic_ncols=True,
        )

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Show the number of all steps and of the finished steps."""
        self.epochs = epochs
        self.bar.reset(epochs * steps)
        self.bar.update(done * steps)

    def step(self) -> None:
        """Advance the bar by one batch."""
        self.bar.update()

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Show the epoch's losses."""
        losses = f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}"
        if self.show and self.bar.disable:
            epoch = f"{self.name}: epoch {row['epoch']:.0f}/{self.epochs}"
            print(f"{epoch}, {losses}, {images_per_second:.0f} images/s", file=sys.stderr)
        elif self.show:
            self.bar.set_postfix_str(losses)
        self.on_epoch(int(row["epoch"]), row | {"images_per_second": images_per_second})

    def weights(self, epoch: int, weights: Weights) -> None:
        """Pass on the weights after an epoch, of any shape."""
        self.on_weights(epoch, weights)

    def close(self) -> None:
        """Close the bar; its last state stays in the terminal."""
        self.bar.close()
