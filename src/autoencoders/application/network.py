"""Trained networks as functions of NumPy arrays. This module needs no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal, TypeAlias

import numpy as np

from autoencoders.application.tiling import Geometry, Segment, split_axis
from autoencoders.images.picture import (
    SAMPLE_TYPES,
    Floats,
    Samples,
    require_size,
    to_depth,
    to_floats,
)
from autoencoders.param_types import ImageShape

TILE_SIDE = 512  # pixels: of a tile, and of the largest square without tiles; limits the memory
LARGE = 4_000_000  # pixels: for one smaller image, importing PyTorch takes longer than it saves

Precision: TypeAlias = Literal["auto", "float32"]  # auto: bfloat16 where it is faster
# Returns the output `(C, f·H, f·W)` of a tile `(C, H, W)`, both in [0, 1]. If the second argument
# is True, it computes in float32; otherwise it may compute in bfloat16.
Run: TypeAlias = Callable[[Floats, bool], Floats]


@dataclass(frozen=True)
class Network:
    """A trained network that maps images `(C, H, W)` to images `(C, f·H, f·W)`.

    Attributes:
        name: a short name, for the names of output files.
        source: `<dataset>/<variant>`, or the URI of a registered model.
        input_shape: the `(C, H, W)` of the encoder input in training.
        image_shape: the `(C, f·H, f·W)` of the output in training.
        run: computes the output of a tile.
        geometry: stride and reach; None if the network takes only images of `input_shape`.
        run_large: returns the function that replaces `run` for images of LARGE pixels or more and 8
            bits per sample; its first call is slow.
    """

    name: str
    source: str
    input_shape: ImageShape
    image_shape: ImageShape
    run: Run
    geometry: Geometry | None = None
    run_large: Callable[[], Run] | None = None

    @property
    def channels(self) -> int:
        """Return the number of channels: 1 for grey, 3 for colour."""
        return self.input_shape[0]

    @property
    def factor(self) -> int:
        """Return f, the output's height divided by the input's."""
        return self.image_shape[1] // self.input_shape[1]

    def tiles(self, height: int, width: int) -> list[tuple[Segment, Segment]]:
        """Return the row and column segments of the tiles of an image of this size."""
        if self.geometry is None:
            return [(Segment(0, height, 0, height), Segment(0, width, 0, width))]
        length = TILE_SIDE if height * width > TILE_SIDE**2 else max(height, width)
        down, across = (
            split_axis(size, trained, length, self.geometry)
            for size, trained in zip((height, width), self.input_shape[1:], strict=True)
        )
        return list(product(down, across))

    def __call__(self, planes: Samples, bits: int = 32, exact: bool = True) -> Samples:
        """Return the output `(C, f·H, f·W)` for an image `(C, H, W)`, with `bits` bits per sample.

        Without `exact`, 8 bits are enough, and the network may compute in bfloat16. Where the
        stride requires a larger size, the last row and column are repeated. Images of more than
        TILE_SIDE² pixels are processed in tiles; the output is equal up to rounding.

        Raises:
            UnusableImage: the network takes only images of one size, and this one has another.
        """
        channels, height, width = planes.shape
        if self.geometry is None:
            require_size(planes, self.input_shape)
        factor = self.factor
        large = height * width >= LARGE and not exact
        run = self.run_large() if self.run_large and large else self.run
        output = np.empty((channels, factor * height, factor * width), SAMPLE_TYPES[bits])
        for down, across in self.tiles(height, width):
            tile = to_floats(planes[:, down.start : down.stop, across.start : across.stop])
            padding = (down.length - tile.shape[1], across.length - tile.shape[2])
            padded = np.pad(tile, [(0, 0), *((0, added) for added in padding)], mode="edge")
            result = run(padded, exact)
            kept = result[:, down.kept(factor, down.start), across.kept(factor, across.start)]
            output[:, down.kept(factor), across.kept(factor)] = to_depth(kept, bits)
        return output


@dataclass(frozen=True)
class Coder:
    """A trained network in two parts; images are in [0, 1].

    Attributes:
        input_shape: the `(C, H, W)` of an encoder input.
        latent_shape: the shape of one image's latent.
        encode: returns the latents `(N, *latent_shape)` of encoder inputs `(N, C, H, W)`; of a
            variational model the posterior means.
        decode: returns the images `(N, C, H, W)` of latents `(N, *latent_shape)`.
    """

    input_shape: ImageShape
    latent_shape: tuple[int, ...]
    encode: Callable[[Floats], Floats]
    decode: Callable[[Floats], Floats]

    @property
    def latent_size(self) -> int:
        """Return the number of entries of one latent."""
        return prod(self.latent_shape)
