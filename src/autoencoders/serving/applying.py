"""An image file's bytes through a network, into an image file's bytes."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image

from autoencoders.application import colour
from autoencoders.application.network import Network, Run
from autoencoders.images import picture, reading, writing
from autoencoders.images.picture import GREY, Picture, Unfit
from autoencoders.images.targets import OURS

Kind: TypeAlias = Literal["png", "jpeg", "webp", "tiff"]

MOST_BYTES = 32 * 2**20  # of a file: a photo of 24 megapixels as PNG has fewer
# A photo of 24 megapixels goes through; of an upscaler's outputs, such a one twice enlarged.
MOST_PIXELS, MOST_MADE = 25_000_000, 100_000_000
OWN_KINDS: dict[str | None, Kind] = {  # what a file is, by Pillow's name, and comes out as
    "JPEG": "jpeg",
    "MPO": "jpeg",  # as phones write it, with a preview
    "WEBP": "webp",
    "TIFF": "tiff",
}


class TooLarge(Unfit):
    """A file with more bytes, or more pixels, than are taken."""


class OtherSize(Unfit):
    """An image that is not of the only size that is taken, and may be resampled to it."""


def applied(
    network: Network,
    path: Path,
    tell: Callable[[float], None],
    kind: Kind | None,
    luma: bool = False,
    resize: bool = False,
) -> tuple[bytes, Kind]:
    """Return what a network makes of an image file, as the command `apply` does, and its format.

    Without a `kind` it is the file's own, where that is among the four, or else PNG. `tell` is told
    what share of the image is through, before each of its tiles and after the last; what it raises
    ends the work.

    Raises:
        TooLarge: there are too many pixels.
        OtherSize: they are too many or too few for the only size that the network takes.
        Unfit: it is no image, is damaged, or does not fit the network; the message says why.
    """
    seen, own = read(path, most_pixels(network.factor))
    seen, kind = fitting(seen, network, resize), kind or own
    _require_room(seen, kind)
    telling = _telling(network, seen, luma, tell)
    made = colour.through(telling, seen, luma)
    tell(1.0)
    return encoded(made, kind, network.made_by), kind


def _telling(network: Network, seen: Picture, luma: bool, tell: Callable[[float], None]) -> Network:
    """Return a network that tells what share of a picture's tiles is through, before each."""
    by_itself = network.channels == GREY and not luma
    passes = len(seen.planes) if by_itself else 1
    tiles = passes * len(network.tiles(*seen.size))
    through = count()

    def at(height: int, width: int) -> Run:
        tell(next(through) / tiles)
        return network.at(height, width)

    return replace(network, at=at)


def converted(path: Path, kind: Kind, most: int, made_by: str) -> bytes:
    """Return an image file's bytes in another format, with all that both can hold.

    Raises:
        TooLarge: there are more than `most` pixels.
        Unfit: it is no image, is damaged, or the format cannot hold it.
    """
    made, _ = read(path, most)
    _require_room(made, kind)
    return encoded(made, kind, made_by)


def read(path: Path, most: int) -> tuple[Picture, Kind]:
    """Return an image, and the kind of file that it comes out as by itself.

    How many pixels there are is looked up before any is decoded.

    Raises:
        TooLarge: there are more than `most`.
        Unfit: it is no image, or damaged.
    """
    allowed = f"allowed: {most // 10**6} million in all"
    try:
        with reading.opening(path) as opened:
            (width, height), kind = opened.size, opened.format
    except Unfit as reason:
        if isinstance(reason.__context__, Image.DecompressionBombError):
            raise TooLarge(f"more pixels than are ever opened; {allowed}") from None
        raise
    if width * height > most:
        raise TooLarge(f"{width}×{height} pixels; {allowed}")
    return reading.read(path), OWN_KINDS.get(kind, "png")


def fitting(seen: Picture, network: Network, resize: bool) -> Picture:
    """Return a picture of a size that the network takes; by `resize` it is cut and resampled.

    Raises:
        OtherSize: it has another than the only one that the network takes.
    """
    _, height, width = network.input_shape
    if resize:
        return picture.fitted(seen, height, width)
    if network.geometry is None and seen.size != (height, width):
        raise OtherSize(
            f"{seen.size[1]}×{seen.size[0]} pixels; this variant takes {width}×{height}: ask with "
            "resize=true to have the square in its middle resampled"
        )
    return seen


def _require_room(seen: Picture, kind: Kind) -> None:
    """Refuse a format that cannot hold a picture's transparency."""
    if not writing.holds_alpha(kind.upper()) and seen.alpha is not None:
        raise Unfit("has transparent parts, which JPEG cannot hold: ask for another format")


def encoded(made: Picture, kind: Kind, made_by: str) -> bytes:
    """Return an image file's bytes; its EXIF says which variant made it.

    Raises:
        Unfit: the format cannot hold it.
    """
    return writing.encoded(made, kind.upper(), f"{OURS} {made_by}")


def most_pixels(factor: int) -> int:
    """Return how many pixels are taken by what makes images `factor` times as high and wide."""
    return min(MOST_PIXELS, MOST_MADE // factor**2)
