"""Latent planes to move over: what is decoded at each place, and where test images lie.

A sheet is one picture of many images of the same size, row by row without gaps: the page shows a
cell of it at a time, and needs nothing but a file beside it.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from autoencoders.figures.plots.style import FRAME, PALETTE
from autoencoders.figures.shown import Shown, array
from autoencoders.figures.table import has_plane
from autoencoders.keys import Bytes, ImageShape
from autoencoders.lazy import torch
from autoencoders.report.page import LatentPlane, Sheet

Codes = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]

SHEET = 1024  # pixels that a side of a sheet may take, where images are not so large that
CELLS = (8, 32)  # fewer than the least would be decoded along a side; and the most
POINTS = 500  # test images, at most
VIEWED = (1, 99)  # percentiles of the codes between which a plane reaches,
WIDENED = 0.1  # and that share of the distance beyond each
CLOSEST = 1e-3  # that distance, at least: all codes may be the same
FRACTION_DIGITS = 4  # of a point's place: a tenth of a pixel


def has_live_plane(shown: Shown) -> bool:
    """Tell whether the latent is a plane by itself: every place of it can be decoded."""
    return has_plane(shown) and shown.latent_shape == (2,)


def chosen(count: int, shape: ImageShape) -> Indices:
    """Return which of `count` test images are shown: evenly spread, as many as fit on a sheet."""
    _, height, width = shape
    fitting = max(1, SHEET**2 // (height * width))
    return np.linspace(0, count - 1, min(count, POINTS, fitting)).round().astype(np.int64)


def live_plane(shown: Shown, decoded_path: str, originals_path: str) -> LatentPlane:
    """Return what the page is told of a variant's plane.

    The paths are those of the sheets of `decoded` and of the `chosen` images, from the page.
    Test images that lie outside the view are left out.
    """
    codes = array(shown.codes)
    seen = view(codes)
    shape = shown.assembled.image_shape
    numbers = chosen(len(codes), shape)
    colours = class_colours(shown.labels, len(shown.class_names))
    (left, right), (bottom, top) = seen.tolist()
    return LatentPlane(
        z1=(left, right),
        z2=(bottom, top),
        size=(shape[2], shape[1]),
        decoded=Sheet(decoded_path, *[_cells(shape)] * 2),
        originals=Sheet(originals_path, *layout(len(numbers))),
        points=_points(codes[numbers], shown.labels[numbers], seen),
        classes=shown.class_names,
        colours=colours,
        legend=_legend(shown.class_names, colours),
    )


def class_colours(labels: Bytes, classes: int) -> list[str]:
    """Return the colour of each class, as in the figures: of many, the ten largest have one."""
    sizes = np.bincount(labels, minlength=classes)
    largest = np.sort(np.argsort(-sizes, kind="stable")[: len(PALETTE)])
    own = dict(zip(largest.tolist(), PALETTE, strict=False))
    return [own.get(number, FRAME) for number in range(classes)]


def view(codes: Codes) -> Codes:
    """Return the lowest and the highest `(2, 2)` of each dimension of codes `(N, 2)` to be seen."""
    low, high = np.percentile(codes.astype(np.float64), VIEWED, axis=0)
    beyond = np.maximum(high - low, CLOSEST) * WIDENED
    return np.stack([low - beyond, high + beyond], axis=1)


def decoded(shown: Shown, seen: Codes) -> Bytes:
    """Return `(cells², C, H, W)` images decoded at the middle of each cell of the `seen` view.

    They go from left to right along the first dimension, and down from the top of the second.
    """
    cells = _cells(shown.assembled.image_shape)
    middles = (np.arange(cells) + 0.5) / cells
    z1, z2 = (torch.from_numpy(low + middles * (high - low)).float() for low, high in seen)
    down, across = torch.meshgrid(z2.flip(0), z1, indexing="ij")
    images = shown.decode(torch.stack([across.flatten(), down.flatten()], dim=1))
    return np.rint(array(images) * 255).astype(np.uint8)


def sheet(images: Bytes) -> Image.Image:
    """Return images `(N, C, H, W)`, C being 1 or 3, as one picture; what they leave is black."""
    count, channels, height, width = images.shape
    columns, rows = layout(count)
    cells = np.zeros((rows * columns, channels, height, width), np.uint8)
    cells[:count] = images
    picture = cells.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    pixels = picture.reshape(rows * height, columns * width, channels)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def layout(count: int) -> tuple[int, int]:
    """Return how many columns and rows the sheet of `count` images has."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def _cells(shape: ImageShape) -> int:
    return int(np.clip(SHEET // max(shape[1:]), *CELLS))


def _points(codes: Codes, labels: Bytes, seen: Codes) -> list[tuple[float, float, int, int]]:
    """Return the points within the view in a fixed random order, or one class would hide others."""
    low, high = seen.T
    shares = (codes - low) / (high - low)
    return [
        (round(x, FRACTION_DIGITS), round(1 - y, FRACTION_DIGITS), int(labels[number]), number)
        for number in np.random.default_rng(0).permutation(len(codes)).tolist()
        for x, y in [shares[number].tolist()]
        if 0 <= x <= 1 and 0 <= y <= 1
    ]


def _legend(names: Sequence[str], colours: Sequence[str]) -> list[tuple[str, str]]:
    """Return the classes with a colour of their own, and the others together; of one, nothing."""
    if len(names) == 1:
        return []
    own = [(name, colour) for name, colour in zip(names, colours, strict=True) if colour != FRAME]
    others = len(names) - len(own)
    return [*own, (f"{others} other classes", FRAME)] if others else own
