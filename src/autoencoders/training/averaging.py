"""Moving averages of weights."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Update = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]


def growing_decay(decay: float, count: int) -> float:
    """Return the decay after `count` averaged steps: small at first, later `decay`.

    min(decay, (1 + count) / (10 + count)), as in TensorFlow's `ExponentialMovingAverage`: a short
    training averages its last steps, and the first weights do not stay in the average.
    """
    return min(decay, (1 + count) / (10 + count))


def moving_average(decay: float) -> Update:
    """Return an in-place update of averages by weights, lists of tensors of any shape.

    It is a `multi_avg_fn` of `torch.optim.swa_utils.AveragedModel`.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor) -> None:
        share = 1 - growing_decay(decay, int(count))
        torch._foreach_lerp_(averages, weights, share)

    return update
