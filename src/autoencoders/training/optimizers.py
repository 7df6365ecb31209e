"""The optimisers and learning-rate schedules, by the name that params.yaml calls them."""

from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import nn

Rate = Annotated[float, Gt(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]

# A schedule maps the share of the training that is done, in [0, 1), to a factor on the rate.
Schedule = Callable[[float], float]


def adam(parameters: list[nn.Parameter], lr: Rate, eps: Rate) -> list[torch.optim.Optimizer]:
    """Adam (Kingma & Ba, arXiv 1412.6980)."""
    return [torch.optim.Adam(parameters, lr=lr, eps=eps, fused=True)]


def rmsprop(parameters: list[nn.Parameter], lr: Rate, eps: Rate) -> list[torch.optim.Optimizer]:
    """RMSprop (Hinton's lecture 6e), with PyTorch's smoothing of 0.99."""
    return [torch.optim.RMSprop(parameters, lr=lr, eps=eps)]


def muon(
    parameters: list[nn.Parameter], lr: Rate, momentum: Fraction, adam_lr: Rate, eps: Rate
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for weights, as matrices of outputs × inputs; Adam for biases."""
    weights = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    return [Muon(weights, lr=lr, momentum=momentum), *adam(others, lr=adam_lr, eps=eps)]


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised by Newton–Schulz, for weights of two or more dimensions.

    `torch.optim.Muon` takes matrices alone; this one flattens convolution kernels to
    `(outputs, inputs·height·width)` first. Each update is scaled by sqrt(max(1, rows / columns)).
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                direction = weight.grad.lerp(state["momentum"], group["momentum"])
                update = orthogonalise(direction.flatten(1)).view_as(weight)
                rows, columns = weight.shape[0], weight[0].numel()
                weight.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def orthogonalise(matrix: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """Return nearly the closest semi-orthogonal matrix: singular values go to about 1.

    Jordan et al. 2024: a quintic Newton–Schulz iteration with coefficients that favour speed.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + torch.addmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def constant() -> Schedule:
    """Keep the rate as it is."""
    return lambda done: 1.0


def one_cycle(warmup: Annotated[float, Ge(0), Le(1)], final: Fraction) -> Schedule:
    """Raise the rate linearly over the share `warmup`, then lower it linearly to `final`."""

    def factor(done: float) -> float:
        if done < warmup:
            return done / warmup
        return 1 - (1 - final) * (done - warmup) / (1 - warmup)

    return factor


OPTIMIZERS: dict[str, Callable[..., list[torch.optim.Optimizer]]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "muon": muon,
}
SCHEDULES: dict[str, Callable[..., Schedule]] = {"constant": constant, "one_cycle": one_cycle}
