"""Codes to be looked at and drawn by."""

from math import prod

import torch
from torch import Tensor


def correlated(count: int, *shape: int) -> Tensor:
    """Codes `(count, *shape)` about 3 whose entries depend on each other."""
    random = torch.Generator().manual_seed(2)
    size = prod(shape)
    mixing = torch.randn(size, size, generator=random)
    return (3 + torch.randn(count, size, generator=random) @ mixing).unflatten(1, shape)
