"""What the report has of a trained variant beside its metrics, as files: no network is needed.

A sheet is one picture of many images of the same size, row by row without gaps.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from autoencoders import files
from autoencoders.figures.plots.style import Images
from autoencoders.param_types import Bytes

RECORD = "section.json"
# Sheets of the first test images: what the encoder sees, what comes out, the images themselves.
SEEN, MADE, ORIGINALS = "seen.png", "made.png", "originals.png"


@dataclass(frozen=True)
class FigureFile:
    """A picture: its path from the page, and its caption, which is its alternative text too."""

    path: str
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A picture of many images of one size without gaps; its path is from the page."""

    path: str
    columns: int
    rows: int


@dataclass(frozen=True)
class LatentPlane:
    """A latent of two numbers to move over.

    Attributes:
        z1: the lowest and the highest of the plane, which `decoded` divides into cells from left to
            right.
        z2: the same of the other number, from bottom to top; each cell of the sheet is decoded at
            its middle.
        size: width and height in pixels of one image in the sheets.
        decoded: the plane itself.
        originals: test images, row by row.
        points: where they lie: from the left and from the top as shares of the plane, the class,
            and the number in `originals`.
        classes: the name of each class.
        colours: the CSS colour of each class.
        legend: names and colours, as far as they are to be told apart.
    """

    z1: tuple[float, float]
    z2: tuple[float, float]
    size: tuple[int, int]
    decoded: Sheet
    originals: Sheet
    points: Sequence[tuple[float, float, int, int]]
    classes: Sequence[str]
    colours: Sequence[str]
    legend: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """What the page says of one trained variant.

    Attributes:
        title: the dataset's.
        source: of its images: `official`, `stand-in` or `folder`.
        image_counts: a split → its number of images.
        hyperparameters: as params.yaml had them.
        best_epoch: whose weights were kept.
        validation_mse: of each epoch.
        shown: how many images `SEEN`, `MADE` and `ORIGINALS` hold.
        pictures: the figures, in their order.
        plane: where the latent is one, its sheets beside this record.
    """

    title: str
    source: str
    image_counts: Mapping[str, int]
    hyperparameters: Mapping[str, Any]
    best_epoch: int
    validation_mse: Sequence[float]
    shown: int
    pictures: Sequence[FigureFile]
    plane: LatentPlane | None


FORM = TypeAdapter(Section)


def save(folder: Path, section: Section, sheets: Mapping[str, Bytes]) -> None:
    """Write a section, and its sheets by their files' names, as all of `folder`."""
    with files.atomic_directory(folder) as temporary:
        for name, images in sheets.items():
            sheet(images).save(temporary / name)
        files.write_bytes(temporary / RECORD, FORM.dump_json(section) + b"\n")


def load(folder: Path) -> Section:
    """Return the section in a folder that `save` wrote.

    Raises:
        UserError: it is missing or damaged.
    """
    files.require(folder)
    with files.readable(folder / RECORD) as path:
        return FORM.validate_json(path.read_bytes())


def load_images(folder: Path, name: str, count: int) -> Images:
    """Return the `count` images `(N, C, H, W)` in [0, 1] of a sheet.

    Raises:
        UserError: it is missing or damaged.
    """
    with files.readable(folder / name) as path, Image.open(path) as opened:
        pixels = np.atleast_3d(np.asarray(opened))
    columns, rows = layout(count)
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    cells = pixels.reshape(rows, height, columns, width, -1).transpose(0, 2, 4, 1, 3)
    return cells.reshape(rows * columns, -1, height, width)[:count].astype(np.float32) / np.float32(
        255
    )


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
