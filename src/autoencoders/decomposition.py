"""Principal directions: exact in few dimensions, approximate in many."""

import torch
from torch import Tensor

OVERSAMPLING = 16  # additional directions, which make the approximation more precise
ITERATIONS = 4
MAX_EXACT_DIMENSIONS = 1024  # above it, the exact method takes too long


def principal_directions(centred: Tensor, count: int) -> Tensor:
    """Return the directions of greatest variance as columns, `(d, count)`, greatest first.

    There are fewer columns if d < `count`. In each column, the entry with the largest absolute
    value is positive. In many dimensions the directions are approximate: the randomised subspace
    iteration of Halko et al., arXiv 0909.4061, with the same random numbers in each call.

    Args:
        centred: points `(N, d)`, float32, with mean 0.
        count: the number of directions.
    """
    if centred.shape[1] <= MAX_EXACT_DIMENSIONS:
        exact = centred.double()
        directions = torch.linalg.eigh(exact.T @ exact).eigenvectors.flip(1)[:, :count].float()
    else:
        rank = min(count + OVERSAMPLING, *centred.shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            directions = torch.svd_lowrank(centred, rank, niter=ITERATIONS)[2][:, :count]
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return directions * largest.sign()
