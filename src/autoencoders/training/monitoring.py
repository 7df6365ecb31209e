"""Loss means and gradient norms of an epoch, kept on the device: transfers slow a GPU down."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.training.parallel import Processes
from autoencoders.variants.objectives.base import Terms

EXPLOSION_FACTOR = 1000.0  # a loss above this multiple of its first value does not recover


class Means:
    """Mean of each loss term over all images of all processes; terms are `(N,)` float32."""

    def __init__(self) -> None:
        self.images = 0
        self.sums: dict[str, Tensor] = {}

    def add(self, terms: Terms) -> None:
        """Add the terms of one batch."""
        for name, values in terms.items():
            total = values.detach().sum(dtype=torch.float64)
            self.sums[name] = self.sums[name] + total if name in self.sums else total
        self.images += len(values)

    def values(self, processes: Processes) -> dict[str, float]:
        """Return the mean of each term; every process gets the same values."""
        totals = processes.total(torch.stack(list(self.sums.values())))
        means = totals / (self.images * processes.count)
        return dict(zip(self.sums, means.tolist(), strict=True))


@dataclass
class Guard:
    """Record gradient norms; stop at the first loss that is not finite or has exploded.

    `epoch` is the number of finished epochs, `steps` the number of batches in an epoch.
    `first_losses` has the first loss of each name, a scalar; `check_loss` adds missing ones.
    """

    epoch: int
    steps: int
    losses_per_step: int
    first_losses: dict[str, Tensor]
    checkpoint: Path | None
    device: torch.device

    def __post_init__(self) -> None:
        self.squared_norms = torch.zeros((), device=self.device)
        self.losses = 0
        self.valid_losses = torch.zeros((), dtype=torch.long, device=self.device)

    def check_loss(self, name: str, loss: Tensor) -> None:
        """Check a scalar loss: at once on the CPU, at the end of the epoch on a GPU."""
        limit = self.first_losses.setdefault(name, loss) * EXPLOSION_FACTOR
        valid = loss.isfinite() & (loss <= limit)
        # Count the losses before the first invalid one.
        self.valid_losses += (self.valid_losses == self.losses) & valid
        self.losses += 1
        if loss.device.type == "cpu":
            self.check()

    def add_gradients(self, gradients: list[Tensor]) -> None:
        """Add the gradients of one optimiser step, tensors of any shape."""
        self.squared_norms += torch.nn.utils.get_total_norm(gradients).square()

    def gradient_norm(self) -> float:
        """Return the root mean square of the gradient norm over the batches of the epoch."""
        return (self.squared_norms / self.steps).sqrt().item()

    def check(self) -> None:
        """Raise a `UserError` if a loss was not finite or has exploded."""
        valid = int(self.valid_losses)
        if valid < self.losses:
            step = self.epoch * self.steps + valid // self.losses_per_step + 1
            raise divergence_error(step, self.epoch, self.checkpoint)


def divergence_error(step: int, epoch: int, checkpoint: Path | None) -> UserError:
    """Return the error for an invalid loss at `step`, after `epoch` finished epochs."""
    kept = (
        f"the checkpoint of epoch {epoch} is kept at {checkpoint}"
        if checkpoint and epoch
        else "there is no checkpoint"
    )
    return UserError(
        f"the loss is not finite, or above {EXPLOSION_FACTOR:.0f} times its first value, "
        f"at step {step} (epoch {epoch + 1}); {kept}; "
        "lower training.optimizers.*.lr in params.yaml and run the stage again"
    )
