"""Apply a network to an image file and return the bytes of the output file."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from autoencoders.application import colour
from autoencoders.application.network import Network
from autoencoders.images.origin import make_origin
from autoencoders.images.picture import GREY, Floats, Picture, resize_picture
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image, require_support

OutputFormat: TypeAlias = Literal["png", "jpeg", "webp", "tiff"]

MAX_BYTES = 32 * 2**20  # of a file; a PNG of 24 megapixels is smaller
# Enough for a photo of 24 megapixels, also when a network doubles its height and width.
MAX_INPUT_PIXELS, MAX_OUTPUT_PIXELS = 25_000_000, 100_000_000
FORMATS: dict[str | None, OutputFormat] = {  # Pillow's name of the input's format → output format
    "JPEG": "jpeg",
    "MPO": "jpeg",  # of phones: a JPEG with a preview
    "WEBP": "webp",
    "TIFF": "tiff",
}


def apply_to_file(
    network: Network,
    path: Path,
    report: Callable[[float], None],
    output_format: OutputFormat | None,
    luma: bool = False,
    resize: bool = False,
) -> tuple[bytes, OutputFormat]:
    """Apply a network to an image file, as the command `apply` does.

    Args:
        network: the network.
        path: the image file.
        report: is called with the processed share before each tile and at the end. An exception
            that it raises ends the work.
        output_format: by default the format of the input if it is one of the four, else PNG.
        luma: a grey network processes only the luma of a colour image.
        resize: crop the image to its central square and resample it to the trained size.

    Returns:
        The bytes of the output file, and its format.

    Raises:
        TooLarge: the image has too many pixels.
        WrongSize: the network takes only images of another size.
        UnusableImage: the file is no image, is damaged, or does not suit the network.
    """
    picture = read_image(path, max_pixels=max_pixels(network.factor))
    output_format = output_format or FORMATS.get(picture.format, "png")
    if resize:
        picture = resize_picture(picture, *network.input_shape[1:])
    require_support(picture, output_format, network.factor)
    output = colour.apply_network(_reporting(network, picture, luma, report), picture, luma)
    report(1.0)
    return encode_image(output, output_format, make_origin(network.source)), output_format


def _reporting(
    network: Network, picture: Picture, luma: bool, report: Callable[[float], None]
) -> Network:
    """Return a network that reports the processed share of a picture's tiles before each tile."""
    channel_by_channel = network.channels == GREY and not luma
    passes = len(picture.planes) if channel_by_channel else 1
    tiles = passes * len(network.tiles(*picture.size))
    done = count()

    def run(tile: Floats, exact: bool) -> Floats:
        report(next(done) / tiles)
        return network.run(tile, exact)

    return replace(network, run=run)


def max_pixels(factor: int) -> int:
    """Return the largest number of input pixels for a network that enlarges by `factor`."""
    return min(MAX_INPUT_PIXELS, MAX_OUTPUT_PIXELS // factor**2)
