"""Splitting images in two, every class in proportion."""

from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


def stratified_split(
    labels: npt.NDArray[np.integer[Any]], fraction: float, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Return the indices, ascending, of a random share of the images, and those of the rest.

    The share is `fraction`: exact in total, and in each class to within one image.

    Raises:
        ValueError: the share or the rest would be empty; the message says what is allowed.
    """
    total = round(fraction * len(labels))
    if not 0 < total < len(labels):
        allowed = "a share that gives both at least one" if len(labels) > 1 else "none: add images"
        raise ValueError(
            f"{fraction} of {len(labels)} images leaves a split empty; allowed: {allowed}"
        )
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    shares = _shares(np.array([len(m) for m in members]), fraction, total)
    chosen = np.zeros(len(labels), bool)
    for m, share in zip(members, shares, strict=True):
        chosen[rng.permutation(m)[:share]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _shares(counts: Indices, fraction: float, total: int) -> Indices:
    """Share a total out among classes in proportion to their counts, by largest remainder."""
    ideal = fraction * counts
    shares: Indices = np.floor(ideal).astype(np.intp)
    largest_first = np.argsort(shares - ideal, kind="stable")
    shares[largest_first[: total - shares.sum()]] += 1
    return shares
