"""Grey and colour pictures through grey and colour networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.application.tiling import Geometry
from autoencoders.images.picture import Picture, to_depth, to_floats

COLOURS = np.random.default_rng(0).random((3, 6, 8), np.float32)


def network(channels: int, run: Callable[[Tensor], Tensor], factor: int = 1) -> Network:
    """Return a network that does the same to every pixel."""
    shapes = (channels, 4, 4), (channels, 4 * factor, 4 * factor)
    every = Geometry(stride=1, reach=0)
    return Network("test", "test", *shapes, lambda height, width: run, torch.device("cpu"), every)


def doubled(seen: Tensor) -> Tensor:
    return seen.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_a_grey_network_takes_the_channels_one_by_one() -> None:
    made = colour.apply_network(network(1, lambda seen: 1 - seen), Picture(COLOURS, depth=32))
    np.testing.assert_allclose(made.planes, 1 - COLOURS, atol=1e-6)


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16), (32, np.float32)])
@pytest.mark.parametrize("luma", [False, True])
def test_what_is_made_has_as_many_bits_as_what_it_is_made_of(
    bits: int, kind: type[Any], luma: bool
) -> None:
    alpha = np.full((1, 6, 8), 0.5, np.float32)
    seen = Picture(to_depth(COLOURS, bits), to_depth(alpha, bits), bits)
    made = colour.apply_network(network(1, doubled, factor=2), seen, luma)
    both = colour.apply_network(network(1, doubled, factor=2), seen, luma, compare=True)
    for planes in (made.planes, made.alpha, both.planes, both.alpha):
        assert planes is not None
        assert planes.dtype == kind
    np.testing.assert_allclose(to_floats(made.planes)[:, ::2, ::2], COLOURS, atol=0.51 / 255 + luma)


def test_by_luma_a_grey_network_leaves_the_chroma() -> None:
    made = colour.apply_network(
        network(1, lambda seen: seen / 2), Picture(COLOURS, depth=32), by_luma=True
    )
    stored = np.round(COLOURS.transpose(1, 2, 0) * 255).astype(np.uint8)
    luma, *chroma = Image.fromarray(stored).convert("YCbCr").split()
    half = Image.merge("YCbCr", [luma.point(lambda value: round(value / 2)), *chroma]).convert(
        "RGB"
    )
    expected = np.asarray(half).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(made.planes, expected, atol=4 / 255)  # of its rounding


def test_by_luma_chroma_is_enlarged_where_the_network_enlarges() -> None:
    red = np.zeros((3, 6, 8), np.float32)
    red[0] = 0.5
    made = colour.apply_network(network(1, doubled, factor=2), Picture(red, depth=32), by_luma=True)
    np.testing.assert_allclose(made.planes, doubled(torch.from_numpy(red)[None])[0], atol=1e-6)


def test_a_colour_network_takes_grey_as_three_channels_and_gives_grey_back() -> None:
    made = colour.apply_network(network(3, lambda seen: 1 - seen), Picture(COLOURS[:1], depth=16))
    np.testing.assert_allclose(to_floats(made.planes), 1 - COLOURS[:1], atol=1 / 65535)
    assert made.depth == 16


@pytest.mark.parametrize("factor", [1, 2])
def test_transparency_stays_and_grows_with_the_image(factor: int) -> None:
    alpha = np.zeros((1, 6, 8), np.float32)
    alpha[:, :, 4:] = 1
    run = doubled if factor == 2 else torch.clone
    made = colour.apply_network(network(3, run, factor), Picture(COLOURS, alpha, depth=32))
    assert made.alpha is not None
    assert made.alpha.shape == (1, 6 * factor, 8 * factor)
    assert 0 <= made.alpha.min() <= made.alpha.max() <= 1
    np.testing.assert_array_equal(made.alpha[..., [0, -1]], np.tile([0, 1], (1, 6 * factor, 1)))


def test_side_by_side_both_have_the_outputs_size() -> None:
    grey = Picture(np.full((1, 6, 8), 0.5, np.float32), depth=32)
    halved = network(1, lambda seen: doubled(1 - seen / 2), factor=2)
    both = colour.apply_network(halved, grey, compare=True)
    assert both.size == (12, 32)
    np.testing.assert_allclose(both.planes[0, :, :16], 0.5, atol=1e-6)
    np.testing.assert_allclose(both.planes[0, :, 16:], 0.75, atol=1e-6)
