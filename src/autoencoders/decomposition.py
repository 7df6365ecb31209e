"""Directions of greatest variance, exactly where that is quick, else nearly."""

import torch
from torch import Tensor

OVERSAMPLED = 16  # directions beyond those wanted, which sharpen them
ITERATIONS = 4
EXACT = 1024  # dimensions up to which principal components are not found by random projections


def leading_directions(matrix: Tensor, count: int) -> Tensor:
    """Return nearly the first `count` right singular vectors, or all, as columns.

    The randomised subspace iteration of Halko et al., arXiv 0909.4061, always with the same draws.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rank = min(count + OVERSAMPLED, *matrix.shape)
        return torch.svd_lowrank(matrix, rank, niter=ITERATIONS)[2][:, :count]


def principal_directions(centred: Tensor, count: int) -> Tensor:
    """Return the `count` directions, or all, of greatest variance as columns, greatest first.

    `centred` is `(N, d)` with mean 0. In each direction the entry that is largest in size is
    positive.
    """
    if centred.shape[1] <= EXACT:
        exact = centred.double()
        directions = torch.linalg.eigh(exact.T @ exact).eigenvectors.flip(1)[:, :count].float()
    else:
        directions = leading_directions(centred, count)
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return directions * largest.sign()
