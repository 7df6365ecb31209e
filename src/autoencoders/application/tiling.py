"""Tiles for networks that take images of any size: stride, reach and segments."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from autoencoders.application.precision import keep_last_layer_in_float32
from autoencoders.components import Component
from autoencoders.param_types import ImageShape
from autoencoders.variants.models.base import Autoencoder

ADDED_LENGTH = 2**8 * 3**2 * 5 * 7  # pixels: a multiple of all likely strides
PROBE_LENGTHS = (128, 256, 512, 1024)  # pixels: of the images that measure the reach


@dataclass(frozen=True)
class Geometry:
    """The stride and the reach of a network, in pixels of the encoder input.

    Attributes:
        stride: the network is equivariant to shifts by the stride. A size that differs from the
            trained one by a multiple of it has the same pools, paddings and crops.
        reach: the largest distance between an output and an input pixel that it depends on.
    """

    stride: int
    reach: int


@dataclass(frozen=True)
class Segment:
    """The rows or columns of one tile, `start` to `stop`, and those whose output is kept.

    `stop` may be beyond the end of the image.
    """

    start: int
    stop: int
    kept_from: int
    kept_to: int

    @property
    def length(self) -> int:
        """Return the number of rows or columns of the tile."""
        return self.stop - self.start

    def kept(self, factor: int, start: int = 0) -> slice:
        """Return the slice of the kept part in the output for input pixels from `start` on."""
        return slice(factor * (self.kept_from - start), factor * (self.kept_to - start))


def split_axis(size: int, trained: int, length: int, geometry: Geometry) -> Iterator[Segment]:
    """Yield segments of about `length` pixels that cover `size` pixels along one axis.

    Starts are multiples of the stride. Lengths differ from `trained` by multiples of the stride.
    Kept parts have a distance of at least the reach to every cut through the image.
    """
    stride = geometry.stride
    margin = -(-geometry.reach // stride) * stride
    length = _at_least(max(length, 4 * margin + stride), trained, stride)
    step = (length - 2 * margin) // stride * stride
    end = _at_least(size, trained, stride)
    for start in range(0, end, step):
        kept_from = start + margin if start else 0
        if start + length >= end:
            yield Segment(start, end, kept_from, size)
            return
        yield Segment(start, start + length, kept_from, start + step + margin)


def _at_least(size: int, trained: int, stride: int) -> int:
    """Return the smallest size ≥ `size` that differs from `trained` by a multiple of `stride`."""
    return size + (trained - size) % stride


class NetworkBuilder:
    """Builds a trained network for encoder inputs of other sizes; all share its weights."""

    def __init__(
        self,
        model: Component,
        network: Autoencoder,
        input_shape: ImageShape,
        image_shape: ImageShape,
    ) -> None:
        self.model = model
        self.weights = {name: value.cpu() for name, value in network.state_dict().items()}
        self.input_shape = input_shape
        self.factor = image_shape[1] // input_shape[1]

    def without_weights(self, height: int, width: int) -> Autoencoder:
        """Return the network for encoder inputs of this size, without weights.

        Raises:
            ValueError: the model does not fit this size.
        """
        channels = self.input_shape[0]
        with torch.device("meta"):
            return self.model.build(
                input_shape=(channels, height, width),
                image_shape=(channels, self.factor * height, self.factor * width),
            )

    def build(self, height: int, width: int) -> Autoencoder:
        """Return the trained network for encoder inputs of this size."""
        network = self.without_weights(height, width)
        network.load_state_dict(self.weights, assign=True)
        keep_last_layer_in_float32(network)
        return network.eval()

    def move(self, device: torch.device) -> None:
        """Move the weights to `device`."""
        self.weights = {name: value.to(device) for name, value in self.weights.items()}


def find_geometry(builder: NetworkBuilder) -> Geometry | None:
    """Return a network's stride and reach; None if it takes only one size.

    A network takes any size if its latent grows with its input, its weights do not, and its reach
    is limited. This function measures all three on the CPU, for any model.
    """
    stride = _stride(builder)
    if stride is None:
        return None
    _, height, width = builder.input_shape
    shapes = {(name, value.shape) for name, value in builder.weights.items()}
    larger = builder.without_weights(height + stride, width + stride).state_dict()
    if {(name, value.shape) for name, value in larger.items()} != shapes:
        return None
    down, across = (_reach(builder, stride, axis) for axis in (1, 2))
    return None if down is None or across is None else Geometry(stride, max(down, across))


def _stride(builder: NetworkBuilder) -> int | None:
    """Return the number of input pixels for one row or column of the latent; None if it varies."""
    _, height, width = builder.input_shape
    try:
        larger = builder.without_weights(height + ADDED_LENGTH, width + ADDED_LENGTH).latent_shape
    except ValueError:
        return None
    latent = builder.without_weights(height, width).latent_shape
    growths = {after - before for after, before in zip(larger[1:], latent[1:], strict=True)}
    growth = max(growths, default=0)
    whole = len(growths) == 1 and growth and ADDED_LENGTH % growth == 0
    return ADDED_LENGTH // growth if whole else None


@torch.no_grad()
def _reach(builder: NetworkBuilder, stride: int, axis: int) -> int | None:
    """Return the network's reach along an axis of `(C, H, W)`; None if it is not limited.

    NaN pixels turn every output that depends on them into NaN, for any weights.
    """
    for length in PROBE_LENGTHS:
        shape = list(builder.input_shape)
        shape[axis] += -(-length // stride) * stride
        start = shape[axis] // 2 // stride * stride
        image = torch.zeros(shape)
        image.narrow(axis, start, stride).fill_(torch.nan)
        affected = builder.build(*shape[1:])(image[None])[0].isnan()
        indices = affected.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist()
        first, last = (indices[0], indices[-1]) if indices else (0, 0)
        if first > 0 and last < builder.factor * shape[axis] - 1:
            return max(start + stride - 1 - first // builder.factor, last // builder.factor - start)
    return None
