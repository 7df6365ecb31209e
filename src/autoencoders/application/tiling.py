"""Networks whose layers fit images of every size: their builder, how far they see, their tiles."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from autoencoders.application.precision import keep_last_layer_in_float32
from autoencoders.components import Component
from autoencoders.param_types import ImageShape
from autoencoders.variants.models.base import Autoencoder

LONGER = 2**8 * 3**2 * 5 * 7  # pixels: a multiple of whatever a network's stride may be
PROBES = (128, 256, 512, 1024)  # pixels: the lengths at which it is tried how far a network sees


@dataclass(frozen=True)
class Geometry:
    """How a network for any size goes over an image.

    Attributes:
        stride: pixels so far apart are treated alike. Inputs whose height and width differ from the
            trained ones by multiples of it go through the same pools, paddings and crops.
        reach: by how many pixels of the input, at most, an output sees to each side.
    """

    stride: int
    reach: int


@dataclass(frozen=True)
class Segment:
    """Rows or columns of an image that a network is given at once, and those whose output is kept.

    The former may go beyond the image's end.
    """

    start: int
    stop: int
    kept_from: int
    kept_to: int

    @property
    def length(self) -> int:
        """Return how many rows or columns the network is given."""
        return self.stop - self.start

    def kept(self, factor: int, start: int = 0) -> slice:
        """Return where the kept is in an output from `start` on, `factor` times as large."""
        return slice(factor * (self.kept_from - start), factor * (self.kept_to - start))


def split_axis(size: int, trained: int, length: int, geometry: Geometry) -> Iterator[Segment]:
    """Yield what covers an image along one axis, of `length` or a little more.

    All starts are multiples of the network's stride, all lengths differ from the trained one by
    such a multiple, and what is kept is the network's reach away from where the image is cut.
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
    """Return the next size from `size` on that differs from `trained` by a multiple of `stride`."""
    return size + (trained - size) % stride


class NetworkBuilder:
    """A trained network, laid out anew for inputs of other sizes; all share its weights."""

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
        """Return the network for inputs of this size, without weights.

        Raises:
            ValueError: the model does not fit it.
        """
        channels = self.input_shape[0]
        with torch.device("meta"):
            return self.model.build(
                input_shape=(channels, height, width),
                image_shape=(channels, self.factor * height, self.factor * width),
            )

    def build(self, height: int, width: int) -> Autoencoder:
        """Return the network for inputs of this size."""
        network = self.without_weights(height, width)
        network.load_state_dict(self.weights, assign=True)
        keep_last_layer_in_float32(network)
        return network.eval()

    def move(self, device: torch.device) -> None:
        """Bring the weights to where the networks are to compute."""
        self.weights = {name: value.to(device) for name, value in self.weights.items()}


def find_geometry(builder: NetworkBuilder) -> Geometry | None:
    """Return how a network goes over an image of any size; None where it takes one size alone.

    It takes any if its latent grows with its input, its weights do not, and what is far away makes
    no difference. Whatever the model, that is found by trying, on the CPU.
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
    """Return how many pixels of the input a row and a column of the latent's maps stand for."""
    _, height, width = builder.input_shape
    try:
        larger = builder.without_weights(height + LONGER, width + LONGER).latent_shape
    except ValueError:
        return None
    latent = builder.without_weights(height, width).latent_shape
    grown = {many - few for many, few in zip(larger[1:], latent[1:], strict=True)}
    growth = max(grown, default=0)
    return LONGER // growth if len(grown) == 1 and growth and LONGER % growth == 0 else None


@torch.no_grad()
def _reach(builder: NetworkBuilder, stride: int, axis: int) -> int | None:
    """Return how far an output sees along an axis of `(C, H, W)`; None where that has no end.

    Pixels that are no numbers make no numbers of all that sees them, whatever the weights are.
    """
    for length in PROBES:
        shape = list(builder.input_shape)
        shape[axis] += -(-length // stride) * stride
        start = shape[axis] // 2 // stride * stride
        image = torch.zeros(shape)
        image.narrow(axis, start, stride).fill_(torch.nan)
        seeing = builder.build(*shape[1:])(image[None])[0].isnan()
        places = seeing.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist()
        first, last = (places[0], places[-1]) if places else (0, 0)
        if first > 0 and last < builder.factor * shape[axis] - 1:
            return max(start + stride - 1 - first // builder.factor, last // builder.factor - start)
    return None
