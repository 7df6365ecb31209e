"""Directions of greatest variance, exactly where that is quick, else nearly."""

import torch
from torch import Tensor

OVERSAMPLED = 16  # directions beyond those wanted, which sharpen them
ITERATIONS = 4
EXACT = 1024  # dimensions up to which principal components are not found by random projections


def principal_directions(centred: Tensor, count: int) -> Tensor:
    """Return the `count` directions, or all, of greatest variance as columns, greatest first.

    `centred` is `(N, d)` with mean 0. In each direction the entry that is largest in size is
    positive. In many dimensions they are nearly those, by the randomised subspace iteration of
    Halko et al., arXiv 0909.4061, always with the same draws.
    """
    if centred.shape[1] <= EXACT:
        exact = centred.double()
        directions = torch.linalg.eigh(exact.T @ exact).eigenvectors.flip(1)[:, :count].float()
    else:
        rank = min(count + OVERSAMPLED, *centred.shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            directions = torch.svd_lowrank(centred, rank, niter=ITERATIONS)[2][:, :count]
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return directions * largest.sign()
