"""What people see while a network trains: a bar on a terminal, else one line per epoch."""

import sys
from collections.abc import Callable

from tqdm import tqdm

from autoencoders.training.history import Progress, Row


class TrainingProgress(Progress):
    """Shows a training's progress on standard error, and passes each epoch's row on.

    Of several processes of one training, one has it `visible`.
    """

    def __init__(
        self, name: str, on_epoch: Callable[[int, Row], None], visible: bool = True
    ) -> None:
        self.name = name
        self.on_epoch = on_epoch
        self.visible = visible
        self.bar = tqdm(
            desc=name,
            unit="step",
            disable=not (visible and sys.stderr.isatty()),
            dynamic_ncols=True,
        )

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Show how much there is to do, and how much is done."""
        self.epochs = epochs
        self.bar.reset(epochs * steps)
        self.bar.update(done * steps)

    def step(self) -> None:
        """Move the bar by one batch."""
        self.bar.update()

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Show the epoch's losses."""
        losses = f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}"
        if self.visible and self.bar.disable:
            epoch = f"{self.name}: epoch {row['epoch']:.0f}/{self.epochs}"
            print(f"{epoch}, {losses}, {images_per_second:.0f} images/s", file=sys.stderr)
        elif self.visible:
            self.bar.set_postfix_str(losses)
        self.on_epoch(int(row["epoch"]), row | {"images_per_second": images_per_second})

    def close(self) -> None:
        """Leave the bar as it stands."""
        self.bar.close()
