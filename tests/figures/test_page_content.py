"""Tests of the latent plane's data against the model and the figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from autoencoders import paths
from autoencoders.figures import page_content, plots
from autoencoders.figures.plots import latents
from autoencoders.figures.section import make_sheet
from autoencoders.trained.variant import Trained
from tests.subjects import VAE, loaded, untrained

SHAPE = (1, 8, 8)
FOLDER = paths.section("pictures", "vae")
COLOURED = (3, 4, 6)


def plane_of(
    count: int = 30,
    shape: tuple[int, int, int] = SHAPE,
    latent_size: int = 2,
    names: Sequence[str] = ("cat", "dog"),
    equal: bool = False,
) -> Trained:
    """Return an untrained VAE and random test images; their classes alternate."""
    random = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    images = torch.from_numpy(np.full_like(random, 7) if equal else random)
    parts = VAE | {"model": {"kind": "mlp_vae", "hidden": [8], "latent_size": latent_size}}
    labels = {"test": torch.arange(count) % len(names)}
    return loaded(untrained(parts, shape), {"test": images}, labels=labels, class_names=names)


def cell(sheet: Any, column: int, row: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return one image `(C, H, W)` of a sheet, cut out as the page does."""
    channels, height, width = shape
    pixels = np.asarray(sheet).reshape(sheet.height, sheet.width, channels)
    rows, columns = slice(row * height, (row + 1) * height), slice(column * width, None)
    return pixels[rows, columns][:, :width].transpose(2, 0, 1)


@pytest.mark.parametrize("shape", [SHAPE, COLOURED])
def test_cells_are_decoded_at_their_middles(shape: tuple[int, int, int]) -> None:
    trained = plane_of(shape=shape)
    plane, sheets = page_content.interactive_plane(trained, FOLDER)
    picture = make_sheet(sheets[page_content.DECODED])
    columns, rows = plane.decoded.columns, plane.decoded.rows
    assert (picture.width, picture.height) == (columns * shape[2], rows * shape[1])
    for column, row in [(0, 0), (columns - 1, 3), (5, rows - 1)]:
        z1 = plane.z1[0] + (column + 0.5) / columns * (plane.z1[1] - plane.z1[0])
        z2 = plane.z2[1] - (row + 0.5) / rows * (plane.z2[1] - plane.z2[0])
        (expected,) = trained.decode(torch.tensor([[z1, z2]])).numpy() * 255
        found = cell(picture, column, row, shape)
        np.testing.assert_allclose(found, expected, atol=0.5 + 1e-3)


@pytest.mark.parametrize("shape", [SHAPE, COLOURED])
def test_points_have_the_positions_of_codes_and_indices_of_images(
    shape: tuple[int, int, int],
) -> None:
    trained = plane_of(shape=shape)
    plane, sheets = page_content.interactive_plane(trained, FOLDER)
    indices = page_content.spread_indices(30, shape)
    picture = make_sheet(sheets[page_content.POINTS])
    images, labels = trained.data.images("test"), trained.data.labels("test")
    assert len(plane.points) > 20
    for x, y, label, number in plane.points:
        z1 = plane.z1[0] + x * (plane.z1[1] - plane.z1[0])
        z2 = plane.z2[1] - y * (plane.z2[1] - plane.z2[0])
        image = indices[number]
        np.testing.assert_allclose([z1, z2], trained.test_codes[image], atol=1e-3)
        assert label == labels[image]
        row, column = divmod(number, plane.originals.columns)
        assert row < plane.originals.rows
        assert np.array_equal(cell(picture, column, row, shape), images[image])


def test_view_excludes_far_outliers() -> None:
    codes = np.concatenate([np.random.default_rng(0).normal(size=(200, 2)), [[1e6, 0]]])
    (low, high), _ = page_content.view_limits(codes)
    assert -4 < low < -2
    assert 2 < high < 4


@pytest.mark.parametrize("count", [1, 2])
def test_plane_of_few_equal_images_has_an_extent(count: int) -> None:
    plane, _ = page_content.interactive_plane(plane_of(count, names=["all"], equal=True), FOLDER)
    assert plane.z1[0] < plane.z1[1]
    assert len(plane.points) == count
    assert plane.legend == []


@pytest.mark.parametrize("classes", [2, 10, 12])
def test_plane_and_figure_have_the_same_class_colours(classes: int) -> None:
    trained = plane_of(40, names=[f"class {number}" for number in range(classes)])
    labels = trained.data.labels("test").numpy()
    figure = plots.latent_plane(
        trained.test_codes.numpy(), labels, trained.data.metadata.class_names, "the figure"
    )
    order = np.random.default_rng(0).permutation(40)  # the order in which the figure draws them
    drawn = [to_hex(face) for face in figure.axes[0].collections[0].get_facecolors()]  # type: ignore[attr-defined]
    colours = latents.class_colours(labels, classes)
    assert drawn == [colours[label] for label in labels[order]]
    legend = page_content.interactive_plane(trained, FOLDER)[0].legend
    assert [name for name, _ in legend] == [
        text.get_text() for text in figure.legends[0].get_texts()
    ]


def test_only_a_latent_of_two_dimensions_has_a_plane() -> None:
    assert page_content.has_interactive_plane(plane_of())
    assert not page_content.has_interactive_plane(plane_of(latent_size=3))


def test_indices_are_evenly_spread_and_fit_on_a_sheet() -> None:
    assert page_content.spread_indices(3, SHAPE).tolist() == [0, 1, 2]
    indices = page_content.spread_indices(10_000, (1, 28, 28))
    assert len(indices) == page_content.MAX_POINTS
    assert set(np.diff(indices)) == {20, 21} or set(np.diff(indices)) == {20}
    assert len(page_content.spread_indices(10_000, (3, 256, 256))) == 16
