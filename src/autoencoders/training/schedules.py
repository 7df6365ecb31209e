"""Learning-rate schedules: functions from the finished share of a training, [0, 1), to a factor."""

from collections.abc import Callable, Iterable

import torch

from autoencoders.param_types import Fraction, Share

Schedule = Callable[[float], float]


def constant() -> Schedule:
    """Return a schedule that keeps the learning rate constant."""
    return lambda done: 1.0


def one_cycle(warmup: Share, final: Fraction = 0.0) -> Schedule:
    """Return a schedule that rises linearly to 1 until `warmup`, then falls linearly to `final`."""

    def factor(done: float) -> float:
        if done < warmup:
            return done / warmup
        return 1 - (1 - final) * (done - warmup) / (1 - warmup)

    return factor


def share_done(epoch: int, step: int, steps: int, epochs: int) -> float:
    """Return the finished share of a training before a step; `epoch` and `step` count from 0."""
    return (epoch * steps + step) / (steps * epochs)


def set_rates(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> float:
    """Set every learning rate to `factor` times its full value; return the first rate."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
    return float(groups[0]["lr"])
