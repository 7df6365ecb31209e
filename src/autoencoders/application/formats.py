"""Pictures into files."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from autoencoders.application.picture import GREY, Picture
from autoencoders.application.targets import ENDINGS, SOFTWARE
from autoencoders.files import atomic_file
from autoencoders.sources.pictures import Unfit

DEEPEST = {"PNG": 16, "TIFF": 32}  # bits of an opaque grey; Pillow writes all else with 8
KEPT = "16 are kept in opaque grey PNG and TIFF alone"
SAVED_WITH: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}


def written_depth(target: Path, picture: Picture) -> int:
    """Return with how many bits per channel a picture is written there."""
    return _depth(_kind(target), picture)


def write(target: Path, picture: Picture, origin: str) -> None:
    """Write a picture in the format of the target's ending, with its `origin` in the EXIF.

    Raises:
        Unfit: the format cannot hold it.
        OSError: it cannot be written.
    """
    with atomic_file(target) as temporary:
        save(temporary, picture, _kind(target), origin)


def save(to: Path | BinaryIO, picture: Picture, kind: str, origin: str) -> None:
    """Write a picture into a file, or a stream, as `kind`, which is what Pillow calls a format.

    Raises:
        Unfit: the format cannot hold it.
        OSError: it cannot be written.
    """
    if kind == "JPEG" and picture.alpha is not None:
        raise Unfit("has transparent parts, which JPEG cannot hold: give --format png")
    exif = Image.Exif()
    exif[SOFTWARE] = origin
    image = _image(picture, _depth(kind, picture))
    try:
        image.save(
            to, format=kind, exif=exif, icc_profile=picture.profile, **SAVED_WITH.get(kind, {})
        )
    except ValueError as error:  # what an encoder has to say of too large an image
        raise Unfit(f"cannot be written as {kind} ({error})") from None


def _kind(target: Path) -> str:
    return ENDINGS[target.suffix.lower()].upper()


def _depth(kind: str, picture: Picture) -> int:
    plain = len(picture.planes) == GREY and picture.alpha is None
    return min(picture.depth, DEEPEST.get(kind, 8) if plain else 8)


def _image(picture: Picture, depth: int) -> Image.Image:
    if depth == 32:
        return Image.fromarray(picture.planes[0])
    largest, kind = (2**16 - 1, np.uint16) if depth == 16 else (2**8 - 1, np.uint8)
    parts = [picture.planes] if picture.alpha is None else [picture.planes, picture.alpha]
    channels = sum(len(planes) for planes in parts)
    values = np.empty((*picture.size, channels), kind)
    for row in range(len(values)):  # at once it would take the memory of two more images
        shades = np.concatenate([planes[:, row] for planes in parts])
        values[row] = (shades * np.float32(largest)).round().T
    return Image.fromarray(values if channels > 1 else values.squeeze(2))
