"""The optimiser Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon)."""

import torch
import torch.nn.functional as F
from torch import nn

from autoencoders.param_types import Fraction, Rate
from autoencoders.training.adam import adam

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, in Jordan et al.
MAX_PADDED = 2**14  # entries; for larger matrices, padding costs more time than it saves


def muon(
    parameters: list[nn.Parameter],
    lr: Rate,
    adam_lr: Rate,
    momentum: Fraction = 0.95,
    eps: Rate = 1e-8,
) -> list[torch.optim.Optimizer]:
    """Return Muon for weights of two or more dimensions, and Adam for the others (biases)."""
    weights = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    return [Muon(weights, lr=lr, momentum=momentum), *adam(others, lr=adam_lr, eps=eps)]


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised by Newton–Schulz, for weights of two or more dimensions.

    `torch.optim.Muon` accepts only matrices; this class flattens convolution kernels to
    `(outputs, inputs·height·width)`. It scales each update by sqrt(max(1, rows / columns)).
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            momentum = group["momentum"]
            directions = [self._direction(weight, weight.grad, momentum) for weight in weights]
            for weight, update in zip(weights, orthogonalise(directions), strict=True):
                rows, columns = update.shape
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                weight.add_(update.reshape(weight.shape), alpha=-rate)

    def _direction(
        self, weight: torch.Tensor, gradient: torch.Tensor, momentum: float
    ) -> torch.Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum).flatten(1)


def orthogonalise(matrices: list[torch.Tensor], iterations: int = 5) -> list[torch.Tensor]:
    """Return approximately the closest semi-orthogonal matrix of each matrix `(rows, columns)`.

    The quintic Newton–Schulz iteration of Jordan et al. 2024 brings singular values to about 1.
    Small matrices are padded with zeros and computed as one batch: their time depends on the number
    of operations, not on their size. Zeros do not change the results.
    """
    if len(matrices) > 1 and any(matrix.numel() > MAX_PADDED for matrix in matrices):
        return [result for matrix in matrices for result in orthogonalise([matrix], iterations)]
    if not matrices:
        return []
    wide = [matrix.T if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    rows, columns = (max(sizes) for sizes in zip(*(m.shape for m in wide), strict=True))
    x = torch.stack([F.pad(m, (0, columns - m.shape[1], 0, rows - m.shape[0])) for m in wide])
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    results = [y[: m.shape[0], : m.shape[1]] for y, m in zip(x, wide, strict=True)]
    return [y if w is m else y.T for y, w, m in zip(results, wide, matrices, strict=True)]
