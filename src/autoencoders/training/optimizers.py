"""The optimisers and learning-rate schedules, by the name that params.yaml calls them."""

from collections.abc import Callable, Iterable
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from torch import nn

Rate = Annotated[float, Gt(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]

LARGE = 2**14  # entries of a matrix from which Muon no longer pads it into a batch

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
    """Return nearly the closest semi-orthogonal matrices: singular values go to about 1.

    Jordan et al. 2024: a quintic Newton–Schulz iteration with coefficients that favour speed.
    Small matrices are padded with zeros, which changes nothing, to go through it as one batch:
    what they cost is the number of operations and not their size.
    """
    if len(matrices) > 1 and any(matrix.numel() > LARGE for matrix in matrices):
        return [result for matrix in matrices for result in orthogonalise([matrix], iterations)]
    if not matrices:
        return []
    wide = [matrix.T if is_tall(matrix) else matrix for matrix in matrices]
    rows, columns = (max(sizes) for sizes in zip(*(m.shape for m in wide), strict=True))
    x = torch.stack([F.pad(m, (0, columns - m.shape[1], 0, rows - m.shape[0])) for m in wide])
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    results = [y[: m.shape[0], : m.shape[1]] for y, m in zip(x, wide, strict=True)]
    return [y.T if is_tall(m) else y for y, m in zip(results, matrices, strict=True)]


def is_tall(matrix: torch.Tensor) -> bool:
    """Tell whether `matrix` has more rows than columns."""
    return matrix.shape[0] > matrix.shape[1]


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


def set_rates(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> float:
    """Set every learning rate to `factor` times its full value; return the first one."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
    return float(groups[0]["lr"])


OPTIMIZERS: dict[str, Callable[..., list[torch.optim.Optimizer]]] = {
    "adam": adam,
    "rmsprop": rmsprop,
    "muon": muon,
}
SCHEDULES: dict[str, Callable[..., Schedule]] = {"constant": constant, "one_cycle": one_cycle}
