"""Pictures into files."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from autoencoders.application import deep
from autoencoders.application.picture import KINDS, Picture, Samples, floats, samples
from autoencoders.application.targets import ENDINGS, SOFTWARE
from autoencoders.files import atomic_file
from autoencoders.sources.pictures import Unfit

DEEPEST = {"PNG": 16, "TIFF": 32}  # bits per channel; of all others 8
KEPT = (
    "PNG and TIFF keep 16 of them, TIFF 32 of grey; of CMYK, and of colours that are multiplied by "
    "their alpha, 8 are read"
)
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
    if not holds_alpha(kind) and picture.alpha is not None:
        raise Unfit("has transparent parts, which JPEG cannot hold: give --format png")
    depth = _depth(kind, picture)
    values = _values(picture, depth)
    if depth == 16 and values.ndim == 3:  # Pillow has no such images
        with to.open("wb") if isinstance(to, Path) else nullcontext(to) as stream:
            deep.WRITERS[kind](
                stream, values.astype(np.uint16, copy=False), origin, picture.profile
            )
        return
    exif = Image.Exif()
    exif[SOFTWARE] = origin
    options = SAVED_WITH.get(kind, {})
    try:
        image = Image.fromarray(values)
        image.save(to, format=kind, exif=exif, icc_profile=picture.profile, **options)
    except ValueError as error:  # what an encoder has to say of too large an image
        raise Unfit(f"cannot be written as {kind} ({error})") from None


def holds_alpha(kind: str) -> bool:
    """Return whether transparency can be written as `kind`, which is what Pillow calls a format."""
    return kind != "JPEG"


def _kind(target: Path) -> str:
    return ENDINGS[target.suffix.lower()].upper()


def _depth(kind: str, picture: Picture) -> int:
    return min(picture.kept, DEEPEST.get(kind, 8))


def _values(picture: Picture, depth: int) -> Samples:
    """Return samples of so many bits `(H, W, C)`, the alpha last; `(H, W)` of an opaque grey."""
    parts = [picture.planes] if picture.alpha is None else [picture.planes, picture.alpha]
    channels = sum(len(planes) for planes in parts)
    values = np.empty((*picture.size, channels), KINDS[depth])
    for row in range(len(values)):  # at once it would take the memory of two more images
        shades = [_of_depth(planes[:, row], depth) for planes in parts]
        values[row] = np.concatenate(shades).T
    return values if channels > 1 else values.squeeze(2)


def _of_depth(values: Samples, depth: int) -> Samples:
    return values if 8 * values.itemsize == depth else samples(floats(values), depth)
