"""The report's content about a variant: example images, and the data of its latent plane."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from autoencoders import paths
from autoencoders.figures import section
from autoencoders.figures.plots.latents import class_colours, legend_entries
from autoencoders.figures.plots.style import to_bytes
from autoencoders.figures.section import FigureFile, LatentPlane, Section, Sheet, sheet_layout
from autoencoders.param_types import Bytes, ImageShape
from autoencoders.trained.variant import Trained, best_epoch

Codes = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

# Sheets of a latent plane: images decoded on a grid, and the test images of its points.
DECODED, POINTS = "decoded.png", "points.png"
SHEET_SIDE = 1024  # pixels of a sheet's side, exceeded only by the minimum number of large images
CELLS = (8, 32)  # minimum and maximum number of decoded images along a side of the plane
MAX_POINTS = 500  # test images on the plane
VIEW_PERCENTILES = (1, 99)  # of the codes in each dimension; the plane covers the range between,
VIEW_MARGIN = 0.1  # and this fraction of the range on both sides
MIN_RANGE = 1e-3  # for codes that are all equal
FRACTION_DIGITS = 4  # of a point's position: precise to a tenth of a pixel
OVERVIEW_IMAGES = 6  # test images of each variant in the overview


@torch.no_grad()
def write_section(trained: Trained, pictures: Sequence[FigureFile], folder: Path) -> None:
    """Replace `folder` by the page's content about a variant; `pictures` are its figures."""
    metadata, history = trained.data.metadata, trained.history
    inputs, originals = trained.first_test_pairs(OVERVIEW_IMAGES)
    images_by_sheet = {
        section.INPUTS: inputs,
        section.RECONSTRUCTIONS: trained.model(inputs),
        section.ORIGINALS: originals,
    }
    sheets = {name: to_bytes(images.cpu().numpy()) for name, images in images_by_sheet.items()}
    plane = None
    if has_interactive_plane(trained):
        plane, plane_sheets = interactive_plane(trained, folder)
        sheets |= plane_sheets
    content = Section(
        title=metadata.title,
        source=metadata.source,
        image_counts={name: split.n_images for name, split in metadata.splits.items()},
        hyperparameters=trained.description.variant.model_dump(mode="json"),
        best_epoch=int(best_epoch(history)["epoch"]),
        validation_mse=history["validation_mse"].tolist(),
        shown=len(originals),
        pictures=pictures,
        plane=plane,
    )
    section.save(folder, content, sheets)


def has_interactive_plane(trained: Trained) -> bool:
    """Return whether the latent has two dimensions and can be decoded without the input."""
    return trained.latent_shape == (2,) and not trained.latent_holds_input


def interactive_plane(trained: Trained, folder: Path) -> tuple[LatentPlane, dict[str, Bytes]]:
    """Return the data of a variant's latent plane, and its sheets `(N, C, H, W)` by file name.

    `folder` is the folder of the sheets. Test images outside the view have no point.
    """
    data, codes = trained.data, trained.test_codes.numpy()
    labels, names = data.labels("test").numpy(), data.metadata.class_names
    limits = view_limits(codes)
    shape = trained.image_shape
    indices = spread_indices(len(codes), shape)
    colours = class_colours(labels, len(names))
    (left, right), (bottom, top) = limits.tolist()
    plane = LatentPlane(
        z1=(left, right),
        z2=(bottom, top),
        size=(shape[2], shape[1]),
        decoded=Sheet(paths.relative_to_page(folder / DECODED), *[_cells(shape)] * 2),
        originals=Sheet(paths.relative_to_page(folder / POINTS), *sheet_layout(len(indices))),
        points=_points(codes[indices], labels[indices], limits),
        classes=names,
        colours=colours,
        legend=legend_entries(names, colours) if len(names) > 1 else [],
    )
    return plane, {
        DECODED: decode_grid(trained, limits),
        POINTS: data.images("test")[torch.from_numpy(indices)].numpy(),
    }


def spread_indices(count: int, shape: ImageShape) -> npt.NDArray[np.int64]:
    """Return the evenly spaced indices `(M,)` of the test images on the plane.

    Of `count` test images of `shape` (C, H, W), as many are taken as fit on a sheet, at most 500.
    """
    _, height, width = shape
    fitting = max(1, SHEET_SIDE**2 // (height * width))
    return np.linspace(0, count - 1, min(count, MAX_POINTS, fitting)).round().astype(np.int64)


def view_limits(codes: Codes) -> Codes:
    """Return the view's limits `(2, 2)` for codes `(N, 2)`: a row (low, high) per dimension."""
    low, high = np.percentile(codes.astype(np.float64), VIEW_PERCENTILES, axis=0)
    margin = np.maximum(high - low, MIN_RANGE) * VIEW_MARGIN
    return np.stack([low - margin, high + margin], axis=1)


def decode_grid(trained: Trained, limits: Codes) -> Bytes:
    """Return the images `(cells², C, H, W)` decoded at the middles of a grid's cells.

    `limits` `(2, 2)` are those of `view_limits`. Images are in the order of a page: along a row the
    first dimension increases, and from row to row the second decreases.
    """
    cells = _cells(trained.image_shape)
    middles = (np.arange(cells) + 0.5) / cells
    z1, z2 = (torch.from_numpy(low + middles * (high - low)).float() for low, high in limits)
    rows, columns = torch.meshgrid(z2.flip(0), z1, indexing="ij")
    images = trained.decode(torch.stack([columns.flatten(), rows.flatten()], dim=1))
    return to_bytes(images.numpy())


def _cells(shape: ImageShape) -> int:
    return int(np.clip(SHEET_SIDE // max(shape[1:]), *CELLS))


def _points(codes: Codes, labels: Labels, limits: Codes) -> list[tuple[float, float, int, int]]:
    """Return the points in the view, in a fixed random order so that no class hides the others."""
    low, high = limits.T
    fractions = (codes - low) / (high - low)
    return [
        (round(x, FRACTION_DIGITS), round(1 - y, FRACTION_DIGITS), int(labels[index]), index)
        for index in np.random.default_rng(0).permutation(len(codes)).tolist()
        for x, y in [fractions[index].tolist()]
        if 0 <= x <= 1 and 0 <= y <= 1
    ]
