"""Moving averages of weights."""

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...] | list[Tensor]


def growing_decay(decay: float, count: int) -> float:
    """Return the decay after `count` averaged steps: small at first, later `decay`.

    min(decay, (1 + count) / (10 + count)), as in TensorFlow's `ExponentialMovingAverage`: a short
    training averages its last steps, and the first weights do not stay in the average.
    """
    return min(decay, (1 + count) / (10 + count))


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Return an in-place update of averages by weights, lists of tensors of any shape.

    It is a `multi_avg_fn` of `torch.optim.swa_utils.AveragedModel`.
    """

    @torch.no_grad()
    def update(averages: Tensors, weights: Tensors, count: Tensor | int) -> None:
        torch._foreach_lerp_(averages, weights, 1 - growing_decay(decay, int(count)))

    return update
