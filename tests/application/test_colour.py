"""Grey and colour networks on grey and colour pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.images.picture import Floats, Picture, to_depth, to_floats

COLOURS = np.random.default_rng(0).random((3, 6, 8), np.float32)


def network(channels: int, function: Callable[[Floats], Floats], factor: int = 1) -> Network:
    """Return a network that applies a function to images of any size."""
    shapes = (channels, 4, 4), (channels, 4 * factor, 4 * factor)
    pixelwise = Geometry(stride=1, reach=0)
    return Network("test", "test", *shapes, lambda tile, exact: function(tile), pixelwise)


def doubled(image: Floats) -> Floats:
    return image.repeat(2, 1).repeat(2, 2)


def test_a_grey_network_processes_each_channel_separately() -> None:
    output = colour.apply_network(network(1, lambda inputs: 1 - inputs), Picture(COLOURS, depth=32))
    np.testing.assert_allclose(output.planes, 1 - COLOURS, atol=1e-6)


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16), (32, np.float32)])
@pytest.mark.parametrize("luma", [False, True])
def test_the_output_has_as_many_bits_as_the_picture(bits: int, kind: type[Any], luma: bool) -> None:
    alpha = np.full((1, 6, 8), 0.5, np.float32)
    picture = Picture(to_depth(COLOURS, bits), to_depth(alpha, bits), bits)
    output = colour.apply_network(network(1, doubled, factor=2), picture, luma)
    comparison = colour.apply_network(network(1, doubled, factor=2), picture, luma, compare=True)
    for planes in (output.planes, output.alpha, comparison.planes, comparison.alpha):
        assert planes is not None
        assert planes.dtype == kind
    np.testing.assert_allclose(
        to_floats(output.planes)[:, ::2, ::2], COLOURS, atol=0.51 / 255 + luma
    )


def test_by_luma_a_grey_network_keeps_the_chroma() -> None:
    output = colour.apply_network(
        network(1, lambda inputs: inputs * np.float32(0.5)),
        Picture(COLOURS, depth=32),
        by_luma=True,
    )
    stored = np.round(COLOURS.transpose(1, 2, 0) * 255).astype(np.uint8)
    luma, *chroma = Image.fromarray(stored).convert("YCbCr").split()
    half = Image.merge("YCbCr", [luma.point(lambda value: round(value / 2)), *chroma]).convert(
        "RGB"
    )
    expected = np.asarray(half).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(output.planes, expected, atol=4 / 255)  # Pillow rounds YCbCr


def test_by_luma_the_chroma_is_enlarged_with_the_image() -> None:
    red = np.zeros((3, 6, 8), np.float32)
    red[0] = 0.5
    output = colour.apply_network(
        network(1, doubled, factor=2), Picture(red, depth=32), by_luma=True
    )
    np.testing.assert_allclose(output.planes, doubled(red), atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_compared_picture_is_enlarged_with_the_weights_of_a_lanczos_filter(factor: int) -> None:
    def weights(length: int) -> Floats:
        """Return the matrix of sinc(x)·sinc(x/3) for |x| < 3, with rows that sum to 1."""
        centres = (np.arange(factor * length) + 0.5) / factor - 0.5
        x = centres[:, None] - np.arange(length)
        kernel = np.sinc(x) * np.sinc(x / 3) * (abs(x) < 3)
        rows: Floats = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
        return rows

    def repeated(image: Floats) -> Floats:
        return image.repeat(factor, 1).repeat(factor, 2)

    picture = Picture(0.3 + 0.4 * COLOURS, depth=32)
    output = colour.apply_network(network(3, repeated, factor), picture, compare=True)
    expected = weights(6) @ picture.planes @ weights(8).T
    np.testing.assert_allclose(output.planes[..., : 8 * factor], expected.clip(0, 1), atol=1e-6)


def test_a_colour_network_returns_grey_for_a_grey_picture() -> None:
    output = colour.apply_network(
        network(3, lambda inputs: 1 - inputs), Picture(COLOURS[:1], depth=16)
    )
    np.testing.assert_allclose(to_floats(output.planes), 1 - COLOURS[:1], atol=1 / 65535)
    assert output.depth == 16


@pytest.mark.parametrize("factor", [1, 2])
def test_transparency_is_kept_and_enlarged_with_the_image(factor: int) -> None:
    alpha = np.zeros((1, 6, 8), np.float32)
    alpha[:, :, 4:] = 1
    run = doubled if factor == 2 else np.copy
    output = colour.apply_network(network(3, run, factor), Picture(COLOURS, alpha, depth=32))
    assert output.alpha is not None
    assert output.alpha.shape == (1, 6 * factor, 8 * factor)
    assert 0 <= output.alpha.min() <= output.alpha.max() <= 1
    np.testing.assert_array_equal(output.alpha[..., [0, -1]], np.tile([0, 1], (1, 6 * factor, 1)))


@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("luma", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_colours_under_transparency_do_not_enter_the_network(
    hidden: int, luma: bool, channels: int
) -> None:
    def blurred(image: Floats) -> Floats:
        means = F.avg_pool2d(torch.from_numpy(image), 5, 1, 2, count_include_pad=False)
        values: Floats = means.numpy()
        return doubled(values)

    alpha = np.zeros((1, 6, 8), np.float32)
    alpha[:, 1:4, 2:5] = 1
    alpha[:, 4, 2:5] = 0.5  # a partly transparent edge
    colour_of_shape = np.array([0.2, 0.5, 0.9], np.float32)[:, None, None]
    planes = np.where(alpha > 0, colour_of_shape, np.float32(hidden))
    picture = Picture(planes, alpha, depth=32)
    output = colour.apply_network(network(channels, blurred, 2), picture, luma, compare=True)
    expected = np.broadcast_to(colour_of_shape, output.planes.shape)
    np.testing.assert_allclose(output.planes, expected, atol=1e-5)


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("compare", [False, True])
def test_the_resolution_grows_with_the_image(factor: int, compare: bool) -> None:
    run = doubled if factor == 2 else np.copy
    picture = Picture(COLOURS, depth=32, dpi=(300, 150))
    output = colour.apply_network(network(3, run, factor), picture, compare=compare)
    assert output.dpi == (300 * factor, 150 * factor)


def test_in_a_comparison_both_parts_have_the_size_of_the_output() -> None:
    grey = Picture(np.full((1, 6, 8), 0.5, np.float32), depth=32)
    halved = network(1, lambda inputs: doubled(1 - inputs * np.float32(0.5)), factor=2)
    comparison = colour.apply_network(halved, grey, compare=True)
    assert comparison.size == (12, 32)
    np.testing.assert_allclose(comparison.planes[0, :, :16], 0.5, atol=1e-6)
    np.testing.assert_allclose(comparison.planes[0, :, 16:], 0.75, atol=1e-6)
