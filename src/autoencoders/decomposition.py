"""Leading singular vectors of matrices too large to decompose in full."""

import torch
from torch import Tensor

OVERSAMPLED = 16  # directions beyond those wanted, which sharpen them
ITERATIONS = 4


def leading_directions(matrix: Tensor, count: int) -> Tensor:
    """Return nearly the first `count` right singular vectors, or all, as columns.

    The randomised subspace iteration of Halko et al., arXiv 0909.4061, always with the same draws.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rank = min(count + OVERSAMPLED, *matrix.shape)
        return torch.svd_lowrank(matrix, rank, niter=ITERATIONS)[2][:, :count]
