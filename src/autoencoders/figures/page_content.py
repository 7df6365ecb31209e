"""What the report's page shows of a variant beside its figures: its images, and its latent plane.

The plane is one to move over: what is decoded at each place, and where test images lie.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from autoencoders import paths
from autoencoders.figures import section
from autoencoders.figures.plots.latents import class_colours, legend
from autoencoders.figures.plots.style import to_bytes
from autoencoders.figures.section import FigureFile, LatentPlane, Section, Sheet, layout
from autoencoders.param_types import Bytes, ImageShape
from autoencoders.trained.variant import Trained, best_epoch

Codes = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

DECODED, POINTS = "decoded.png", "points.png"  # sheets of the plane, and of the images on it
SHEET = 1024  # pixels that a side of a sheet may take, where images are not so large that
CELLS = (8, 32)  # fewer than the least would be decoded along a side; and the most
MOST = 500  # test images
VIEWED = (1, 99)  # percentiles of the codes between which a plane reaches,
WIDENED = 0.1  # and that share of the distance beyond each
CLOSEST = 1e-3  # that distance, at least: all codes may be the same
FRACTION_DIGITS = 4  # of a point's place: a tenth of a pixel
SHOWN = 6  # test images in the overview of all variants


@torch.no_grad()
def write_section(trained: Trained, pictures: Sequence[FigureFile], folder: Path) -> None:
    """Write what the report's page has of a variant with these figures, as all of `folder`."""
    metadata, history = trained.data.metadata, trained.history
    seen, originals = trained.first_test_pairs(SHOWN)
    shown = {section.SEEN: seen, section.MADE: trained.model(seen), section.ORIGINALS: originals}
    sheets = {name: to_bytes(images.cpu().numpy()) for name, images in shown.items()}
    plane = None
    if has_live_plane(trained):
        plane, of_plane = live_plane(trained, folder)
        sheets |= of_plane
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


def has_live_plane(trained: Trained) -> bool:
    """Tell whether the latent is a plane by itself: every place of it can be decoded."""
    return trained.latent_shape == (2,) and not trained.latent_holds_input


def live_plane(trained: Trained, folder: Path) -> tuple[LatentPlane, dict[str, Bytes]]:
    """Return what the page is told of a variant's plane, and its sheets by their names in `folder`.

    Test images that lie outside the view have no point.
    """
    data, codes = trained.data, trained.test_codes.numpy()
    labels, names = data.labels("test").numpy(), data.metadata.class_names
    seen = view(codes)
    shape = trained.image_shape
    numbers = chosen(len(codes), shape)
    colours = class_colours(labels, len(names))
    (left, right), (bottom, top) = seen.tolist()
    plane = LatentPlane(
        z1=(left, right),
        z2=(bottom, top),
        size=(shape[2], shape[1]),
        decoded=Sheet(paths.relative_to_page(folder / DECODED), *[_cells(shape)] * 2),
        originals=Sheet(paths.relative_to_page(folder / POINTS), *layout(len(numbers))),
        points=_points(codes[numbers], labels[numbers], seen),
        classes=names,
        colours=colours,
        legend=legend(names, colours) if len(names) > 1 else [],
    )
    return plane, {
        DECODED: decoded(trained, seen),
        POINTS: data.images("test")[torch.from_numpy(numbers)].numpy(),
    }


def chosen(count: int, shape: ImageShape) -> npt.NDArray[np.int64]:
    """Return which of `count` test images are shown: evenly spread, as many as fit on a sheet."""
    _, height, width = shape
    fitting = max(1, SHEET**2 // (height * width))
    return np.linspace(0, count - 1, min(count, MOST, fitting)).round().astype(np.int64)


def view(codes: Codes) -> Codes:
    """Return the lowest and the highest `(2, 2)` of each dimension of codes `(N, 2)` to be seen."""
    low, high = np.percentile(codes.astype(np.float64), VIEWED, axis=0)
    beyond = np.maximum(high - low, CLOSEST) * WIDENED
    return np.stack([low - beyond, high + beyond], axis=1)


def decoded(trained: Trained, seen: Codes) -> Bytes:
    """Return `(cells², C, H, W)` images decoded at the middle of each cell of the `seen` view.

    They go from left to right along the first dimension, and down from the top of the second.
    """
    cells = _cells(trained.image_shape)
    middles = (np.arange(cells) + 0.5) / cells
    z1, z2 = (torch.from_numpy(low + middles * (high - low)).float() for low, high in seen)
    down, across = torch.meshgrid(z2.flip(0), z1, indexing="ij")
    images = trained.decode(torch.stack([across.flatten(), down.flatten()], dim=1))
    return to_bytes(images.numpy())


def _cells(shape: ImageShape) -> int:
    return int(np.clip(SHEET // max(shape[1:]), *CELLS))


def _points(codes: Codes, labels: Labels, seen: Codes) -> list[tuple[float, float, int, int]]:
    """Return the points within the view in a fixed random order, or one class would hide others."""
    low, high = seen.T
    shares = (codes - low) / (high - low)
    return [
        (round(x, FRACTION_DIGITS), round(1 - y, FRACTION_DIGITS), int(labels[number]), number)
        for number in np.random.default_rng(0).permutation(len(codes)).tolist()
        for x, y in [shares[number].tolist()]
        if 0 <= x <= 1 and 0 <= y <= 1
    ]
