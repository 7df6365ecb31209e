"""An image file with all that an output is to keep: depth, transparency, colour profile."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from autoencoders.sources import pictures
from autoencoders.sources.pictures import Unfit

Floats: TypeAlias = npt.NDArray[np.float32]

# Files of other formats that hold more than one image hold versions of it, as phones' JPEGs do.
FRAMED = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")
# Modes whose colour profile is one of grey or RGB, as what is written is.
PROFILED = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "F", "P", "RGB", "RGBA", "RGBX")
DEEP = (";16B", ";16L", ";16N")  # ends of what Pillow calls 16-bit channels of a file
CHANNELS = GREY, COLOUR = 1, 3


@dataclass(frozen=True)
class Picture:
    """An image, upright.

    Attributes:
        planes: grey or RGB, float32 `(C, H, W)` in [0, 1].
        alpha: `(1, H, W)` in [0, 1]; None where all is opaque.
        depth: bits per channel in its file: 8, 16, or 32 for floating-point numbers.
        profile: the ICC profile.
    """

    planes: Floats
    alpha: Floats | None = None
    depth: int = 8
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.planes.shape[1], self.planes.shape[2]


def read(path: Path) -> Picture:
    """Read an image file upright, as EXIF tells.

    Of 16-bit colours, and greys with alpha, Pillow keeps the upper byte.

    Raises:
        Unfit: the file cannot be read, holds several frames, or what its numbers mean is not
            certain: floating-point numbers must lie in [0, 1].
    """
    with pictures.opening(path) as opened:
        if opened.format in FRAMED and pictures.has_more(opened):
            raise Unfit("holds several frames: save the one that is meant as a file of its own")
        depth = _depth(opened)
        image = pictures.decoded(opened)
        colours, alpha = _parts(image)
        fits = opened.mode in PROFILED and not _has_grey_palette(opened)
        profile = opened.info.get("icc_profile") if fits else None
        planes = _planes(pictures.upright(colours, opened))
        clear = None if alpha is None else _planes(pictures.upright(alpha, opened))
    return Picture(planes, clear, depth, profile)


def fitted(picture: Picture, height: int, width: int) -> Picture:
    """Cut a picture to the middle that is shaped so, and resample it, by Lanczos' filter."""

    def fit(planes: Floats) -> Floats:
        resampled = [
            ImageOps.fit(Image.fromarray(plane), (width, height), Image.Resampling.LANCZOS)
            for plane in planes
        ]
        return np.stack([np.asarray(plane) for plane in resampled]).clip(0, 1)

    if picture.size == (height, width):
        return picture
    alpha = None if picture.alpha is None else fit(picture.alpha)
    return replace(picture, planes=fit(picture.planes), alpha=alpha)


def _depth(opened: Image.Image) -> int:
    """Return the bits per channel of an opened file that is not decoded yet."""
    if opened.mode == "F":
        return 32
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0][3] if tiles else ""  # of the decoder: the mode in the file, or that first
    raw_mode = arguments if isinstance(arguments, str) else str(arguments[0])
    bits = getattr(opened, "tag_v2", {}).get(pictures.BITS, (8,))
    deep = opened.mode.startswith("I") or raw_mode.endswith(DEEP) or max(bits) > 8
    return 16 if deep else 8


def _parts(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return colours of mode `L`, `RGB` or `F` in [0, 1], and alpha of mode `L`."""
    if image.mode == "F":
        return _in_range(image), None
    if image.mode.startswith("I"):
        values, white = pictures.deep_greys(image)
        clear = image.info.get("transparency")
        alpha = None if clear is None else Image.fromarray(np.asarray(image) != clear).convert("L")
        return Image.fromarray((values / white).astype(np.float32)), alpha
    grey = image.mode in ("1", "L", "LA") or _has_grey_palette(image)
    if not image.has_transparency_data:
        return image.convert("L" if grey else "RGB"), None
    whole = image.convert("LA" if grey else "RGBA")
    alpha = whole.getchannel("A")
    return whole.convert("L" if grey else "RGB"), alpha


def _has_grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode in ("P", "PA") else None
    return palette is not None and palette[::3] == palette[1::3] == palette[2::3]


def _in_range(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise Unfit("float pixels that are no numbers: save it with numbers in [0, 1]")
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise Unfit(f"float pixels from {low:g} to {high:g}; allowed: 0 to 1, so scale them")
    return image


def _planes(image: Image.Image) -> Floats:
    bands = image.split()
    planes = np.empty((len(bands), image.height, image.width), np.float32)
    for plane, band in zip(planes, bands, strict=True):  # at once it would take twice the memory
        plane[:] = np.asarray(band)
    if image.mode != "F":
        planes /= 255
    return planes
