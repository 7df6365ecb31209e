"""What people see while a network trains: a bar on a terminal, else one line per epoch."""

import sys
from collections.abc import Callable

from tqdm import tqdm

from autoencoders.training.record import Row


class TrainingProgress:
    """Shows a training's progress on standard error, and passes each epoch's row on.

    Of several processes of one training, one has it `shown`.
    """

    def __init__(
        self,
        name: str,
        epochs: int,
        steps_per_epoch: int,
        on_epoch: Callable[[Row, float], None],
        shown: bool,
    ) -> None:
        self.shown = shown
        self.epochs = epochs
        self.on_epoch = on_epoch
        self.name = name
        self.bar = tqdm(
            total=epochs * steps_per_epoch,
            desc=name,
            unit="step",
            disable=not (shown and sys.stderr.isatty()),
            dynamic_ncols=True,
        )

    def step(self) -> None:
        """Move the bar by one batch."""
        self.bar.update()

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Show the epoch's losses."""
        losses = f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}"
        if self.shown and self.bar.disable:
            epoch = f"{self.name}: epoch {row['epoch']:.0f}/{self.epochs}"
            print(f"{epoch}, {losses}, {images_per_second:.0f} images/s", file=sys.stderr)
        elif self.shown:
            self.bar.set_postfix_str(losses)
        self.on_epoch(row, images_per_second)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self.bar.close()
