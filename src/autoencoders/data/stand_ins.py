"""Images that stand in for MNIST and FashionMNIST where the official files cannot be had.

Digits are drawn by `stand_in_digits`, garments by `stand_in_garments`, both with `drawing`.
"""

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autoencoders.data import stand_in_digits, stand_in_garments
from autoencoders.data.drawing import SIDE, Sheet

Bytes = npt.NDArray[np.uint8]

CLASSES = 10
CHUNK = 500  # images drawn at once: the arrays of one chunk stay in the processor's cache


def generate(dataset: str, n_images: int, seed: int) -> tuple[Bytes, Bytes]:
    """Draw stand-in images, the classes balanced to within one image and in random order.

    The result depends on the three arguments alone, not on NumPy's global generator.

    Args:
        dataset: `mnist` or `fashion_mnist`.
        n_images: how many images, of all classes together.
        seed: a non-negative integer; other seeds give other images.

    Returns:
        Images `(N, 28, 28)` and labels `(N,)`, both uint8.
    """
    draw = {"mnist": stand_in_digits.draw, "fashion_mnist": stand_in_garments.draw}[dataset]
    rng = np.random.default_rng([seed, zlib.crc32(dataset.encode())])
    labels = rng.permutation(np.arange(n_images) % CLASSES).astype(np.uint8)
    images = np.empty((n_images, SIDE, SIDE), np.uint8)
    for label in range(CLASSES):
        for places in _chunks(np.flatnonzero(labels == label)):
            grey = draw(label, Sheet(rng, len(places)))
            images[places] = np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)
    return images, labels


def _chunks(places: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]
