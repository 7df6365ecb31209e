"""Images cut into overlapping tiles, of which a network makes what it makes of the whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from autoencoders.application.any_size import Geometry


@dataclass(frozen=True)
class Stretch:
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

    def kept(self, factor: int) -> slice:
        """Return where what is kept is in an output that is `factor` times as large."""
        return slice(factor * self.kept_from, factor * self.kept_to)

    def kept_within(self, factor: int) -> slice:
        """Return where what is kept is in the output of this stretch alone."""
        first = self.kept_from - self.start
        return slice(factor * first, factor * (first + self.kept_to - self.kept_from))


def stretches(size: int, trained: int, length: int, geometry: Geometry) -> Iterator[Stretch]:
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
            yield Stretch(start, end, kept_from, size)
            return
        yield Stretch(start, start + length, kept_from, start + step + margin)


def _at_least(size: int, trained: int, stride: int) -> int:
    """Return the next size from `size` on that differs from `trained` by a multiple of `stride`."""
    return size + (trained - size) % stride
