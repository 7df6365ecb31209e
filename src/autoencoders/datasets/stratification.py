"""Random splits that keep the proportions of the classes."""

from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


def stratified_split(
    labels: npt.NDArray[np.integer[Any]], fraction: float, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Return the ascending indices `(n,)` of a random share of the images, and of the others.

    The share of the images with `labels` `(N,)` is `fraction`: exact in total, and in each class
    to within one image.

    Raises:
        ValueError: one of the two parts would be empty.
    """
    total = round(fraction * len(labels))
    if not 0 < total < len(labels):
        allowed = "a share that gives both an image" if len(labels) > 1 else "none; add images"
        raise ValueError(
            f"found {fraction}, which leaves a split empty (images: {len(labels)}); "
            f"allowed: {allowed}"
        )
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    counts = _class_shares(np.array([len(rows) for rows in members]), fraction, total)
    chosen = np.zeros(len(labels), bool)
    for rows, count in zip(members, counts, strict=True):
        chosen[rng.permutation(rows)[:count]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _class_shares(counts: Indices, fraction: float, total: int) -> Indices:
    """Distribute a total over classes in proportion to their counts, by largest remainder."""
    ideal = fraction * counts
    shares: Indices = np.floor(ideal).astype(np.intp)
    largest_first = np.argsort(shares - ideal, kind="stable")
    shares[largest_first[: total - shares.sum()]] += 1
    return shares
