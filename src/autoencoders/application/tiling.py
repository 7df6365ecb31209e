"""Tiles for networks that take images of any size: stride, reach and segments."""

from collections.abc import Iterator
from dataclasses import dataclass


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
