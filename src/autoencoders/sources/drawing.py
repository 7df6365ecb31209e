"""Drawing a few hundred small images at a time from signed distance fields.

A field is one number per pixel: positive inside the shape, in pixels. A union of shapes is then a
maximum, a cut a minimum, an antialiased edge `clip(field + 0.5, 0, 1)`, and a pen's width is added.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Value = Floats | float

SIDE = 28  # of an image, unless said otherwise
NOWHERE = np.float32(-9)  # the field of no shape at all: deep outside at every pixel


class Sheet:
    """N empty images side by side, and the random numbers to draw on them.

    `x` and `y` are the pixels' coordinates, `(1, side, side)`, in pixels from the image's centre,
    x to the right and y down. Random numbers come one per image, `(N, 1, 1)`.
    """

    def __init__(self, rng: np.random.Generator, n: int, side: int = SIDE) -> None:
        self.rng = rng
        self.n = n
        self.side = side
        axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
        self.x: Floats = axis[None, None, :].repeat(side, 1)
        self.y: Floats = axis[None, :, None].repeat(side, 2)

    def uniform(self, low: float, high: float) -> Floats:
        """Draw one number per image, evenly between two bounds."""
        return self.rng.uniform(low, high, (self.n, 1, 1)).astype(np.float32)

    def normal(self, mean: float, std: float) -> Floats:
        """Draw one normally distributed number per image."""
        return self.rng.normal(mean, std, (self.n, 1, 1)).astype(np.float32)

    def chance(self, probability: float) -> Bools:
        """Draw one yes or no per image."""
        return self.rng.random((self.n, 1, 1)) < probability

    def grain(self, std: Value) -> Floats:
        """Draw one normally distributed number per pixel, `(N, side, side)`."""
        return self.rng.standard_normal((self.n, self.side, self.side), dtype=np.float32) * std

    def waves(
        self, count: int, longest: float, shortest: float
    ) -> Callable[[Value, Value], Floats]:
        """Draw a smooth random function of the plane: a sum of `count` plane waves, variance 1.

        A function, not its values, so that it can be evaluated again at other coordinates.
        """
        frequency = 2 * np.pi / self.rng.uniform(shortest, longest, (count, self.n, 1, 1))
        angle, phase = self.rng.uniform(0, 2 * np.pi, (2, count, self.n, 1, 1))
        parts = np.stack([frequency * np.cos(angle), frequency * np.sin(angle), phase], axis=1)
        parts = parts.astype(np.float32)
        scale = (2 / count) ** 0.5

        def evaluate(x: Value, y: Value) -> Floats:
            total = sum(np.cos(fx * x + fy * y + shift) for fx, fy, shift in parts)
            return np.asarray(scale * total)

        return evaluate


def along(position: Floats, values: Sequence[Value]) -> Floats:
    """Run smoothly through `values`, evenly spaced over positions from 0 to 1."""
    place = np.clip(position, 0, 1) * (len(values) - 1)
    total = np.zeros_like(place)
    for k, value in enumerate(values):
        near = np.clip(1 - abs(place - k), 0, 1)
        total += value * near * near * (3 - 2 * near)
    return total


def ellipse(sheet: Sheet, centre: tuple[Value, Value], radii: tuple[Value, Value]) -> Floats:
    """Return the field of an ellipse: exact for a circle, else along its shorter axis only."""
    x, y = (sheet.x - centre[0]) / radii[0], (sheet.y - centre[1]) / radii[1]
    return np.asarray((1 - np.sqrt(x * x + y * y)) * np.minimum(*radii), np.float32)


def limb(
    sheet: Sheet, start: tuple[Value, Value], end: tuple[Value, Value], radii: tuple[Value, Value]
) -> Floats:
    """Return the field of a straight, tapering limb with flat ends: a sleeve, a strap, a heel."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(across**2 + down**2)
    x, y = sheet.x - start[0], sheet.y - start[1]
    on = (x * across + y * down) / length
    off = abs(x * down - y * across) / length
    part = np.clip(on / length, 0, 1)
    radius = radii[0] * (1 - part) + radii[1] * part
    return np.asarray(np.minimum(radius - off, np.minimum(on + 0.5, length - on)), np.float32)


def union(*fields: Floats) -> Floats:
    """Return the field of what lies in any of the shapes."""
    return np.maximum.reduce(fields)


def common(*fields: Floats) -> Floats:
    """Return the field of what lies in all of the shapes."""
    return np.minimum.reduce(fields)


def only(field: Floats, where: Bools) -> Floats:
    """Keep a shape in some of the images."""
    return np.where(where, field, NOWHERE)


def cover(field: Floats) -> Floats:
    """Return how much of each pixel the shape covers, 0 to 1."""
    return np.clip(field + 0.5, 0, 1)


def line(distance: Floats, width: Value = 1.0) -> Floats:
    """Return a soft line, 1 on it and 0 away from it, at the zero of a distance in pixels."""
    return np.asarray(np.exp(-((distance / width) ** 2)), np.float32)


def blend(under: Floats, over: Value, share: Floats) -> Floats:
    """Return the light `under`, replaced by the light `over` where `share` is 1."""
    return under + (over - under) * share
