"""The optimisers and learning-rate schedules, by the name that params.yaml calls them."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from autoencoders.keys import Fraction, Rate, Share
from autoencoders.training.muon import Muon

# A schedule maps the share of the training that is done, in [0, 1), to a factor on the rate.
Schedule = Callable[[float], float]


def adam(parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8) -> list[torch.optim.Optimizer]:
    """Adam (Kingma & Ba, arXiv 1412.6980)."""
    return [torch.optim.Adam(parameters, lr=lr, eps=eps, fused=True)]


def rmsprop(
    parameters: list[nn.Parameter], lr: Rate, eps: Rate = 1e-8
) -> list[torch.optim.Optimizer]:
    """RMSprop (Hinton's lecture 6e), with PyTorch's smoothing of 0.99."""
    return [torch.optim.RMSprop(parameters, lr=lr, eps=eps)]


def muon(
    parameters: list[nn.Parameter],
    lr: Rate,
    adam_lr: Rate,
    momentum: Fraction = 0.95,
    eps: Rate = 1e-8,
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for weights, as matrices of outputs × inputs; Adam for biases."""
    weights = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    return [Muon(weights, lr=lr, momentum=momentum), *adam(others, lr=adam_lr, eps=eps)]


def constant() -> Schedule:
    """Keep the rate as it is."""
    return lambda done: 1.0


def one_cycle(warmup: Share, final: Fraction = 0.0) -> Schedule:
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
