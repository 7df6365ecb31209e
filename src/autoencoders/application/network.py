"""A trained network as commands use it: on a whole image, however large, within bounded memory."""

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
from autoencoders.param_types import ImageShape
from autoencoders.tracking import registered
from autoencoders.trained.variant import Trained

SIDE = 512  # pixels: of a tile, and of the largest square that needs none; it bounds the memory
KEPT = 8  # builder, as images of one size have four kinds of tiles

Run: TypeAlias = Callable[[Tensor], Tensor]  # `(1, C, H, W)` → `(1, C, f·H, f·W)`, in [0, 1]


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        name: what its outputs are called by.
        source: which one it is, of all there are.
        input_shape: of what it was trained to see, `(C, H, W)`.
        image_shape: of what it makes of that.
        network_for: returns the network for inputs of a height and width.
        device: where it computes.
        geometry: how it goes over images of any size; None where it takes one size alone.
        bfloat16: it computes in that, but for its last layer.
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
        """Return 1 for grey, 3 for colour."""
        return self.input_shape[0]

    @property
    def factor(self) -> int:
        """Return how many times as high and as wide its outputs are."""
        return self.image_shape[1] // self.input_shape[1]

    def tiles(self, height: int, width: int) -> list[tuple[Segment, Segment]]:
        """Return the rows and columns of the tiles that an image of this size goes through in."""
        if self.geometry is None:
            return [(Segment(0, height, 0, height), Segment(0, width, 0, width))]
        length = SIDE if height * width > SIDE**2 else max(height, width)
        down, across = (
            split_axis(size, trained, length, self.geometry)
            for size, trained in zip((height, width), self.input_shape[1:], strict=True)
        )
        return list(product(down, across))

    @torch.no_grad()
    def __call__(self, planes: Samples, bits: int = 32) -> Samples:
        """Return what the network makes of an image `(C, H, W)`: `(C, f·H, f·W)`, of so many bits.

        Where sizes must be multiples of something, the last row and column are repeated before it.
        Images of more than SIDE² pixels go through in tiles, which makes no difference to them.

        Raises:
            UnusableImage: the network takes images of one size alone, and not of this one.
        """
        channels, height, width = planes.shape
        if self.geometry is None:
            require_size(planes, self.input_shape)
        factor = self.factor
        whole = np.empty((channels, factor * height, factor * width), SAMPLE_TYPES[bits])
        for down, across in self.tiles(height, width):
            cut = to_floats(planes[:, down.start : down.stop, across.start : across.stop])
            made = self._made(cut, down.length, across.length)
            inside = made[:, down.kept(factor, down.start), across.kept(factor, across.start)]
            whole[:, down.kept(factor), across.kept(factor)] = to_depth(inside, bits)
        return whole

    def _made(self, cut: Floats, height: int, width: int) -> Floats:
        """Return what the network makes of a tile, which may have lost rows and columns."""
        seen = torch.from_numpy(cut)[None]
        beyond = (0, width - cut.shape[2], 0, height - cut.shape[1])
        seen = F.pad(seen, beyond, mode="replicate").to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            made: Floats = self.network_for(height, width)(seen)[0].cpu().numpy()
        return made


def trained_network(trained: Trained, precision: Precision = "float32") -> Network:
    """Return a trained variant's network, for images of any size where it takes them.

    By the `precision` auto it computes in bfloat16 where the device does so itself.
    """
    tune_cpu(torch.get_num_threads())  # tiles come and go as batches do
    shapes = trained.input_shape, trained.image_shape
    builder = NetworkBuilder(trained.description.variant.model, trained.model, *shapes)
    found = find_geometry(builder)
    builder.move(trained.device)
    at = lru_cache(KEPT)(builder.build)
    bfloat16 = precision == "auto" and has_bfloat16(trained.device)
    name = trained.description.name
    return Network(name, trained.name, *shapes, at, trained.device, found, bfloat16)


def registered_network(uri: str) -> Network:
    """Return a model of MLflow's as a network, for images of the size that its signature says.

    Raises:
        UserError: it cannot be loaded, or is none of images.
    """
    model = registered.load(uri)
    match model.input_shape, model.output_shape:
        case (int(c), int(h), int(w)), (int(k), int(height), int(width)) if c == k in CHANNELS:
            shapes = (c, h, w), (k, height, width)
        case given, made:
            raise UserError(
                f"--model: found {uri!r}, from {given} to {made}; allowed: a model from images to "
                "images of as many channels, both (channels, height, width)"
            )

    def run(seen: Tensor) -> Tensor:
        return torch.from_numpy(model.predict(seen.numpy()))

    return Network(model.name, uri, *shapes, lambda height, width: run, CPU)
