"""A trained network for images of any size, with limited memory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.application.precision import Precision, has_bfloat16
from autoencoders.application.tiling import (
    Geometry,
    NetworkBuilder,
    Segment,
    find_geometry,
    split_axis,
)
from autoencoders.device import CPU, tune_cpu
from autoencoders.errors import UserError
from autoencoders.images.picture import (
    CHANNELS,
    SAMPLE_TYPES,
    Floats,
    Samples,
    require_size,
    to_depth,
    to_floats,
)
from autoencoders.limits import available_cores
from autoencoders.param_types import ImageShape
from autoencoders.tracking import registered
from autoencoders.trained.variant import Trained

TILE_SIDE = 512  # pixels: of a tile, and of the largest square without tiles; limits the memory
CACHED_SIZES = 8  # images of one size have tiles of up to four sizes

Run: TypeAlias = Callable[[Tensor], Tensor]  # `(1, C, H, W)` → `(1, C, f·H, f·W)`, in [0, 1]


@dataclass(frozen=True)
class Network:
    """A trained network that maps images `(C, H, W)` to images `(C, f·H, f·W)`.

    Attributes:
        name: a short name, for the names of output files.
        source: `<dataset>/<variant>`, or the URI of a registered model.
        input_shape: the `(C, H, W)` of the encoder input in training.
        image_shape: the `(C, f·H, f·W)` of the output in training.
        network_for: returns the network for encoder inputs of a height and width.
        device: the device of the network.
        geometry: stride and reach; None if the network takes only images of `input_shape`.
        bfloat16: whether all layers but the last compute in bfloat16.
    """

    name: str
    source: str
    input_shape: ImageShape
    image_shape: ImageShape
    network_for: Callable[[int, int], Run]
    device: torch.device
    geometry: Geometry | None = None
    bfloat16: bool = False

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

    @torch.no_grad()
    def __call__(self, planes: Samples, bits: int = 32) -> Samples:
        """Return the output `(C, f·H, f·W)` for an image `(C, H, W)`, with `bits` bits per sample.

        Where the stride requires a larger size, the last row and column are repeated. Images of
        more than TILE_SIDE² pixels are processed in tiles; the output is equal up to rounding.

        Raises:
            UnusableImage: the network takes only images of one size, and this one has another.
        """
        channels, height, width = planes.shape
        if self.geometry is None:
            require_size(planes, self.input_shape)
        factor = self.factor
        output = np.empty((channels, factor * height, factor * width), SAMPLE_TYPES[bits])
        for down, across in self.tiles(height, width):
            tile = to_floats(planes[:, down.start : down.stop, across.start : across.stop])
            result = self._run(tile, down.length, across.length)
            kept = result[:, down.kept(factor, down.start), across.kept(factor, across.start)]
            output[:, down.kept(factor), across.kept(factor)] = to_depth(kept, bits)
        return output

    def _run(self, tile: Floats, height: int, width: int) -> Floats:
        """Return the network's output for a tile, which is padded to `height` and `width`."""
        padding = (0, width - tile.shape[2], 0, height - tile.shape[1])
        inputs = F.pad(torch.from_numpy(tile)[None], padding, mode="replicate").to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            output: Floats = self.network_for(height, width)(inputs)[0].cpu().numpy()
        return output


def trained_network(trained: Trained, precision: Precision = "float32") -> Network:
    """Return a trained variant's network, for images of any size if its layers allow it.

    With `precision` auto it computes in bfloat16 if the device has bfloat16 instructions.
    """
    threads = min(torch.get_num_threads(), available_cores())
    tune_cpu(threads)  # tiles, like batches, allocate and free memory often
    shapes = trained.input_shape, trained.image_shape
    builder = NetworkBuilder(trained.description.variant.model, trained.model, *shapes)
    geometry = find_geometry(builder)
    builder.move(trained.device)
    network_for = lru_cache(CACHED_SIZES)(builder.build)
    bfloat16 = precision == "auto" and has_bfloat16(trained.device)
    name = trained.description.name
    return Network(name, trained.name, *shapes, network_for, trained.device, geometry, bfloat16)


def registered_network(uri: str) -> Network:
    """Return a model from MLflow as a network, for images of the size in its signature.

    Raises:
        UserError: the model cannot be loaded, or does not map images to images.
    """
    model = registered.load(uri)
    match model.input_shape, model.output_shape:
        case (int(c), int(h), int(w)), (int(k), int(height), int(width)) if c == k in CHANNELS:
            shapes = (c, h, w), (k, height, width)
        case input_shape, output_shape:
            raise UserError(
                f"--model: found {uri!r}, which maps {input_shape} to {output_shape}; allowed: a "
                "model from images (channels, height, width) to images with the same channels"
            )

    def run(inputs: Tensor) -> Tensor:
        return torch.from_numpy(model.predict(inputs.numpy()))

    return Network(model.name, uri, *shapes, lambda height, width: run, CPU)
