"""An image file's bytes through a network, into an image file's bytes."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from autoencoders.application import colour
from autoencoders.application.network import Network, Run
from autoencoders.images.output_paths import SOFTWARE_NAME
from autoencoders.images.picture import GREY, Picture, resize_picture
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image, require_alpha_support

OutputFormat: TypeAlias = Literal["png", "jpeg", "webp", "tiff"]

MAX_BYTES = 32 * 2**20  # of a file: a photo of 24 megapixels as PNG has fewer
# A photo of 24 megapixels goes through; of an upscaler's outputs, such a one twice enlarged.
MAX_INPUT_PIXELS, MAX_OUTPUT_PIXELS = 25_000_000, 100_000_000
OWN_KINDS: dict[str | None, OutputFormat] = {  # what a file is, by Pillow's name, and comes out as
    "JPEG": "jpeg",
    "MPO": "jpeg",  # as phones write it, with a preview
    "WEBP": "webp",
    "TIFF": "tiff",
}


def apply_to_file(
    network: Network,
    path: Path,
    tell: Callable[[float], None],
    kind: OutputFormat | None,
    luma: bool = False,
    resize: bool = False,
) -> tuple[bytes, OutputFormat]:
    """Return what a network makes of an image file, as the command `apply` does, and its format.

    Without a `kind` it is the file's own, where that is among the four, or else PNG. `tell` is told
    what share of the image is through, before each of its tiles and after the last; what it raises
    ends the work.

    Raises:
        TooLarge: there are too many pixels.
        WrongSize: they are too many or too few for the only size that the network takes.
        UnusableImage: the file is not an image, is damaged, or does not fit the network.
    """
    seen = read_image(path, max_pixels=max_pixels(network.factor))
    kind = kind or OWN_KINDS.get(seen.format, "png")
    require_alpha_support(seen, kind)
    if resize:
        seen = resize_picture(seen, *network.input_shape[1:])
    made = colour.apply_network(_telling(network, seen, luma, tell), seen, luma)
    tell(1.0)
    return encode_image(made, kind, f"{SOFTWARE_NAME} {network.source}"), kind


def _telling(network: Network, seen: Picture, luma: bool, tell: Callable[[float], None]) -> Network:
    """Return a network that tells what share of a picture's tiles is through, before each."""
    by_itself = network.channels == GREY and not luma
    passes = len(seen.planes) if by_itself else 1
    tiles = passes * len(network.tiles(*seen.size))
    through = count()

    def network_for(height: int, width: int) -> Run:
        tell(next(through) / tiles)
        return network.network_for(height, width)

    return replace(network, network_for=network_for)


def max_pixels(factor: int) -> int:
    """Return how many pixels are taken by what makes images `factor` times as high and wide."""
    return min(MAX_INPUT_PIXELS, MAX_OUTPUT_PIXELS // factor**2)
