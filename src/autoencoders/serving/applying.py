"""An image file's bytes through a network, into an image file's bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.images import picture, reading, writing
from autoencoders.images.picture import Picture, Unfit
from autoencoders.images.targets import OURS
from autoencoders.serving.progress import Progress, tile_count

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


@dataclass(frozen=True)
class Made:
    """An image file: its bytes, and which kind they are."""

    content: bytes
    kind: Kind


def applied(
    network: Network,
    path: Path,
    progress: Progress,
    kind: Kind | None,
    luma: bool = False,
    resize: bool = False,
) -> Made:
    """Return what a network makes of an image file, as the command `apply` does.

    Without a `kind` it is the file's own, where that is among the four, or else PNG. How many
    pixels there are is looked up before any is decoded. `progress` is told of how many tiles there
    are.

    Raises:
        TooLarge: there are too many pixels.
        OtherSize: they are too many or too few for the only size that the network takes.
        Unfit: it is no image, is damaged, or does not fit the network; the message says why.
    """
    own = require_pixels(path, network.factor)
    seen = fitting(reading.read(path), network, resize)
    kind = kind or own
    _require_room(seen, kind)
    progress.tiles = tile_count(network, seen, luma)
    made = colour.through(network, seen, luma)
    return Made(encoded(made, kind, network.made_by), kind)


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


def reencoded(path: Path, kind: Kind, made_by: str) -> bytes:
    """Return an image file's bytes in another format, with all that both can hold.

    Raises:
        Unfit: the format cannot hold it.
    """
    made = reading.read(path)
    _require_room(made, kind)
    return encoded(made, kind, made_by)


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


def require_pixels(path: Path, factor: int) -> Kind:
    """Refuse a file of too many pixels; return the kind that it comes out as by itself.

    Raises:
        TooLarge: it has too many.
        Unfit: it is no image, or damaged.
    """
    most = most_pixels(factor)
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
    return OWN_KINDS.get(kind, "png")
