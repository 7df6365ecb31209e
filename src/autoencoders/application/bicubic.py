"""Bicubic enlargement by a whole factor."""

import math

import numpy as np

from autoencoders.images.picture import Floats

A = -0.75  # of the kernel; PyTorch and OpenCV use this value


def enlarge(planes: Floats, factor: int) -> Floats:
    """Return planes `(C, H, W)` enlarged to `(C, f·H, f·W)`; the edges are repeated.

    Cubic convolution (Keys 1981, eq. 4), with the centre of the first pixel at ½.
    """
    if factor == 1:
        return planes
    return _enlarge_rows(_enlarge_rows(planes, factor).swapaxes(1, 2), factor).swapaxes(1, 2)


def _enlarge_rows(planes: Floats, factor: int) -> Floats:
    channels, height, width = planes.shape
    padded = np.pad(planes, [(0, 0), (2, 2), (0, 0)], mode="edge")
    large = np.zeros((channels, factor * height, width), np.float32)
    for phase in range(factor):
        position = (phase + 0.5) / factor - 0.5  # of an output row, from its input row
        for offset in range(math.floor(position) - 1, math.floor(position) + 3):
            rows = padded[:, 2 + offset : 2 + offset + height]
            large[:, phase::factor] += np.float32(_kernel(abs(position - offset))) * rows
    return large


def _kernel(distance: float) -> float:
    if distance <= 1:
        return (A + 2) * distance**3 - (A + 3) * distance**2 + 1
    return A * distance**3 - 5 * A * distance**2 + 8 * A * distance - 4 * A
