"""Files with a variant's part of the report: all its content except the metrics.

The report reads these files, so it does not need the network. A sheet is one picture of many images
of the same size, row by row without gaps.
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
# Sheets of the first test images: encoder inputs, reconstructions, originals.
INPUTS, RECONSTRUCTIONS, ORIGINALS = "seen.png", "made.png", "originals.png"


@dataclass(frozen=True)
class FigureFile:
    """A figure: its path relative to the page, and its caption, also used as alternative text."""

    path: str
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A picture of many images of one size without gaps; its path is relative to the page."""

    path: str
    columns: int
    rows: int


@dataclass(frozen=True)
class LatentPlane:
    """The data of the interactive plane of a latent with two dimensions.

    Attributes:
        z1: lowest and highest value of the horizontal axis, from left to right.
        z2: lowest and highest value of the vertical axis, from bottom to top.
        size: width and height in pixels of one image in the sheets.
        decoded: a grid of cells over the plane; each cell is decoded at its middle.
        originals: test images, row by row.
        points: the latent of each of these images: its distance from the left and from the top, as
            fractions of the plane, its class index, and its index in `originals`.
        classes: the name of each class.
        colours: the CSS colour of each class.
        legend: the names and colours of the classes with a colour of their own, then one entry for
            all other classes.
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
    """The page's content about one trained variant.

    Attributes:
        title: the title of the dataset.
        source: the source of its images: `official`, `stand-in` or `folder`.
        image_counts: split → number of images.
        hyperparameters: the variant's settings in params.yaml.
        best_epoch: the epoch with the lowest validation loss; its weights are used.
        validation_mse: validation MSE of each epoch.
        shown: number of images in `INPUTS`, `RECONSTRUCTIONS` and `ORIGINALS`.
        pictures: the figures in their order.
        plane: the latent plane if the latent has two dimensions; its sheets are in the same folder.
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


SECTION = TypeAdapter(Section)


def save(folder: Path, section: Section, sheets: Mapping[str, Bytes]) -> None:
    """Replace `folder` by a section and its sheets; `sheets` maps file names to `(N, C, H, W)`."""
    with files.atomic_directory(folder) as temporary:
        for name, images in sheets.items():
            make_sheet(images).save(temporary / name)
        files.write_bytes(temporary / RECORD, SECTION.dump_json(section) + b"\n")


def load(folder: Path) -> Section:
    """Return the section that `save` wrote into a folder.

    Raises:
        UserError: the section is missing or damaged.
    """
    files.require(folder)
    with files.readable(folder / RECORD) as path:
        return SECTION.validate_json(path.read_bytes())


def load_images(folder: Path, name: str, count: int) -> Images:
    """Return the `count` images of a sheet, `(N, C, H, W)` float32 in [0, 1].

    Raises:
        UserError: the sheet is missing or damaged.
    """
    with files.readable(folder / name) as path, Image.open(path) as opened:
        pixels = np.atleast_3d(np.asarray(opened))
    columns, rows = sheet_layout(count)
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    cells = pixels.reshape(rows, height, columns, width, -1).transpose(0, 2, 4, 1, 3)
    return cells.reshape(rows * columns, -1, height, width)[:count].astype(np.float32) / np.float32(
        255
    )


def make_sheet(images: Bytes) -> Image.Image:
    """Return images `(N, C, H, W)`, C is 1 or 3, as one picture; unused cells are black."""
    count, channels, height, width = images.shape
    columns, rows = sheet_layout(count)
    cells = np.zeros((rows * columns, channels, height, width), np.uint8)
    cells[:count] = images
    picture = cells.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    pixels = picture.reshape(rows * height, columns * width, channels)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def sheet_layout(count: int) -> tuple[int, int]:
    """Return the number of columns and rows of a sheet of `count` images."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)
