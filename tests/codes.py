"""Example codes for tests."""

from math import prod

import torch
from torch import Tensor


def correlated(count: int, *shape: int) -> Tensor:
    """Return codes `(count, *shape)` with mean 3 and correlated entries."""
    random = torch.Generator().manual_seed(2)
    size = prod(shape)
    mixing = torch.randn(size, size, generator=random)
    return (3 + torch.randn(count, size, generator=random) @ mixing).unflatten(1, shape)
