"""What is measured during an epoch, kept on the device and read once at its end."""

from pathlib import Path

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.objectives import Terms


class Watch:
    """Sums of loss terms and gradient norms, and a halt at the first loss that is not finite."""

    def __init__(
        self,
        epoch: int,
        steps: int,
        losses_per_step: int,
        checkpoint: Path | None,
        device: torch.device,
    ) -> None:
        self.epoch = epoch
        self.steps = steps
        self.losses_per_step = losses_per_step
        self.checkpoint = checkpoint
        self.images = 0
        self.sums: dict[str, Tensor] = {}
        self.squared_norms: list[Tensor] = []
        self.losses = 0
        self.finite_losses = torch.zeros((), dtype=torch.long, device=device)

    def loss(self, loss: Tensor) -> None:
        """Stop at once where `loss` is not finite; on a GPU at the epoch's end, not to wait."""
        self.losses += 1
        still_finite = (self.finite_losses == self.losses - 1) & loss.detach().isfinite()
        self.finite_losses += still_finite
        if loss.device.type == "cpu":
            self._check()

    def gradients(self, gradients: list[Tensor]) -> None:
        """Add the gradients of one step."""
        self.squared_norms.append(torch.nn.utils.get_total_norm(gradients).square())

    def terms(self, terms: Terms) -> None:
        """Add the terms of one batch."""
        for name, values in terms.items():
            total = values.detach().sum(dtype=torch.float64)
            self.sums[name] = self.sums[name] + total if name in self.sums else total
        self.images += len(values)

    def means(self) -> dict[str, float]:
        """Return each term's mean over images."""
        self._check()
        return {name: (total / self.images).item() for name, total in self.sums.items()}

    def norm(self) -> float:
        """Return the root mean square, over steps, of an update's gradient norm."""
        return (torch.stack(self.squared_norms).sum() / self.steps).sqrt().item()

    def _check(self) -> None:
        finite = int(self.finite_losses)
        if finite < self.losses:
            step = self.epoch * self.steps + finite // self.losses_per_step + 1
            raise diverged(step, self.epoch, self.checkpoint)


def diverged(step: int, epoch: int, checkpoint: Path | None) -> UserError:
    """Return what to say of a loss that is not finite at `step`, after `epoch` whole epochs."""
    kept = (
        f"the checkpoint of epoch {epoch} is kept at {checkpoint}"
        if checkpoint and epoch
        else "no epoch was finished before it"
    )
    return UserError(
        f"the loss is not finite at step {step} (epoch {epoch + 1}); {kept}; "
        "lower the learning rate in params.yaml and run again"
    )
