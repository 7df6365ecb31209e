"""What is measured during an epoch, kept on the device and read once at its end."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.training.parallel import Processes
from autoencoders.variants.objectives.base import Terms

EXPLOSION_FACTOR = 1000.0  # times its first value is what no loss recovers from


class Means:
    """Means over images of every loss term, over all processes."""

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
        """Return each term's mean; every process gets the same."""
        totals = processes.total(torch.stack(list(self.sums.values())))
        means = totals / (self.images * processes.count)
        return dict(zip(self.sums, means.tolist(), strict=True))


@dataclass
class Guard:
    """Gradient norms, and a halt at the first loss that is not finite or has exploded.

    `first_losses` are those of the training's first step, by the step's name; they are filled in
    where they are missing.
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
        self.sound_losses = torch.zeros((), dtype=torch.long, device=self.device)

    def check_loss(self, name: str, loss: Tensor) -> None:
        """Stop at once where `loss` is not sound; on a GPU at the epoch's end, not to wait."""
        limit = self.first_losses.setdefault(name, loss) * EXPLOSION_FACTOR
        sound = loss.isfinite() & (loss <= limit)
        self.sound_losses += (self.sound_losses == self.losses) & sound
        self.losses += 1
        if loss.device.type == "cpu":
            self.check()

    def add_gradients(self, gradients: list[Tensor]) -> None:
        """Add the gradients of one step."""
        self.squared_norms += torch.nn.utils.get_total_norm(gradients).square()

    def gradient_norm(self) -> float:
        """Return the root mean square, over steps, of an update's gradient norm."""
        return (self.squared_norms / self.steps).sqrt().item()

    def check(self) -> None:
        """Raise a `UserError` where a loss was not sound."""
        sound = int(self.sound_losses)
        if sound < self.losses:
            step = self.epoch * self.steps + sound // self.losses_per_step + 1
            raise divergence_error(step, self.epoch, self.checkpoint)


def divergence_error(step: int, epoch: int, checkpoint: Path | None) -> UserError:
    """Return what to say of a loss that is not sound at `step`, after `epoch` whole epochs."""
    kept = (
        f"the checkpoint of epoch {epoch} is kept at {checkpoint}"
        if checkpoint and epoch
        else "nothing of it is kept"
    )
    return UserError(
        f"the loss is not finite, or {EXPLOSION_FACTOR:.0f} times what it began with, "
        f"at step {step} (epoch {epoch + 1}); {kept}; lower the learning rate in params.yaml and run again"
    )
