"""Images that stand in for the published ones where the official files cannot be had.

Digits are drawn by `stand_in_digits`, garments by `stand_in_garments`, colour scenes by
`stand_in_scenes`, all with `drawing`.
"""

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autoencoders.keys import Bytes
from autoencoders.sources import stand_in_digits, stand_in_garments, stand_in_scenes
from autoencoders.sources.datasets import DATASETS
from autoencoders.sources.drawing import Sheet

DRAW = {
    "mnist": stand_in_digits.draw,
    "fashion_mnist": stand_in_garments.draw,
    "cifar10": stand_in_scenes.draw,
}
CHUNK = 500  # images drawn at once: the arrays of one chunk stay in the processor's cache


def generate(dataset: str, n_images: int, seed: int) -> tuple[Bytes, Bytes]:
    """Draw stand-in images, the classes balanced to within one image and in random order.

    The result depends on the three arguments alone, not on NumPy's global generator.

    Args:
        dataset: a name in `DATASETS`.
        n_images: how many images, of all classes together.
        seed: a non-negative integer; other seeds give other images.

    Returns:
        Images, `(N, H, W)` or `(N, 3, H, W)`, and labels `(N,)`, both uint8.
    """
    classes, shape = len(DATASETS[dataset].class_names), DATASETS[dataset].shape
    rng = np.random.default_rng([seed, zlib.crc32(dataset.encode())])
    labels = rng.permutation(np.arange(n_images) % classes).astype(np.uint8)
    images = np.empty((n_images, *shape[shape[0] == 1 :]), np.uint8)
    for label in range(classes):
        for places in _chunks(np.flatnonzero(labels == label)):
            light = DRAW[dataset](label, Sheet(rng, len(places), shape[-1]))
            images[places] = np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)
    return images, labels


def _chunks(places: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]
