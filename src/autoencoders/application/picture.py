"""An image file with all that an output is to keep: depth, transparency, colour profile."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from autoencoders.application import deep
from autoencoders.sources import pictures
from autoencoders.sources.pictures import Unfit

Floats: TypeAlias = npt.NDArray[np.float32]
Number: TypeAlias = np.uint8 | np.uint16 | np.float32
# Numbers in [0, 1], or integers from 0 to the largest of their kind, which stands for 1.
Samples: TypeAlias = npt.NDArray[Number]

KINDS: dict[int, type[Number]] = {8: np.uint8, 16: np.uint16, 32: np.float32}  # by their bits
# Files of other formats that hold more than one image hold versions of it, as phones' JPEGs do.
FRAMED = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")
# Modes whose colour profile is one of grey or RGB, as what is written is.
PROFILED = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "F", "P", "RGB", "RGBA", "RGBX")
DEEP = (";16B", ";16L", ";16N")  # ends of what Pillow calls 16-bit channels of a file
USUAL_GAMMA = 1 / 2.2  # of a PNG, near to that of sRGB
CHANNELS = GREY, COLOUR = 1, 3


@dataclass(frozen=True)
class Picture:
    """An image, upright.

    A photograph in floating-point numbers is four times as large as its bytes: so it stays in
    those, and `floats` makes numbers of a part of it when they are needed.

    Attributes:
        planes: grey or RGB, `(C, H, W)`.
        alpha: `(1, H, W)`; None where all is opaque.
        depth: bits per channel in its file: 8, 16, or 32 for floating-point numbers.
        profile: the ICC profile.
    """

    planes: Samples
    alpha: Samples | None = None
    depth: int = 8
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.planes.shape[1], self.planes.shape[2]

    @property
    def kept(self) -> int:
        """Return how many bits per channel there are to write: of the file's, what was read."""
        return min(self.depth, 8 * self.planes.itemsize)


def floats(samples: Samples) -> Floats:
    """Return samples as numbers in [0, 1]."""
    numbers = samples.astype(np.float32, copy=False)
    if samples.dtype.kind == "u":
        numbers /= _largest(8 * samples.itemsize)
    return numbers


def samples(numbers: Floats, bits: int) -> Samples:
    """Return numbers in [0, 1] as samples of so many bits, rounded."""
    if bits == 32:
        return numbers
    scaled = numbers * np.float32(_largest(bits))
    return scaled.round(out=scaled).astype(KINDS[bits])


def _largest(bits: int) -> int:
    return 2**bits - 1


def read(path: Path) -> Picture:
    """Read an image file upright, as EXIF tells.

    Of 16 bits of CMYK, and of colours multiplied by their alpha, Pillow keeps the upper eight.

    Raises:
        Unfit: the file cannot be read, holds several frames, or what its numbers mean is not
            certain: floating-point numbers must lie in [0, 1].
    """
    with pictures.opening(path) as opened:
        if opened.format in FRAMED and pictures.has_more(opened):
            raise Unfit("holds several frames: save the one that is meant as a file of its own")
        _require_known_greys(opened)
        depth = _depth(opened)
        if deep.is_deep(opened):
            planes, alpha = _of_channels(deep.channels(path, opened))
        else:
            planes, alpha = _decoded(opened)
        fits = opened.mode in PROFILED and not _has_grey_palette(opened)
        profile = opened.info.get("icc_profile") if fits else None
    return Picture(planes, alpha, depth, profile)


def _require_known_greys(opened: Image.Image) -> None:
    """Refuse a PNG whose numbers mean other brightnesses than usual, and no profile says which."""
    gamma = opened.info.get("gamma")
    if gamma is None or "icc_profile" in opened.info or "srgb" in opened.info:
        return
    if abs(gamma - USUAL_GAMMA) > 0.1 * USUAL_GAMMA:
        raise Unfit(
            f"a PNG of gamma {gamma:g}, which would be lost: save it as sRGB or with a profile"
        )


def fitted(picture: Picture, height: int, width: int) -> Picture:
    """Cut a picture to the middle that is shaped so, and resample it, by Lanczos' filter."""

    def fit(planes: Samples) -> Samples:
        resampled = [
            ImageOps.fit(Image.fromarray(floats(plane)), (width, height), Image.Resampling.LANCZOS)
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
    bits = getattr(opened, "tag_v2", {}).get(pictures.BITS, (8,))
    deeper = opened.mode.startswith("I") or deep.raw_mode(opened).endswith(DEEP) or max(bits) > 8
    return 16 if deeper else 8


def _of_channels(channels: Samples) -> tuple[Samples, Samples | None]:
    """Return the planes, and alpha, which is the last channel of two or four."""
    return (channels, None) if len(channels) in CHANNELS else (channels[:-1], channels[-1:])


def _decoded(opened: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the planes and alpha of an opened file."""
    colours, alpha = _parts(pictures.decoded(opened))
    planes = _planes(pictures.upright(colours, opened))
    return planes, None if alpha is None else _planes(pictures.upright(alpha, opened))


def _parts(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return colours of mode `L`, `RGB`, `I;16` or `F` in [0, 1], and alpha of mode `L`."""
    if image.mode == "F":
        return _in_range(image), None
    if image.mode.startswith("I"):
        clear = image.info.get("transparency")
        alpha = None if clear is None else Image.fromarray(np.asarray(image) != clear).convert("L")
        return _deep_grey(image), alpha
    grey = image.mode in ("1", "L", "LA") or _has_grey_palette(image)
    if not image.has_transparency_data:
        return _converted(image, "L" if grey else "RGB"), None
    whole = _converted(image, "LA" if grey else "RGBA")
    alpha = whole.getchannel("A")
    return whole.convert("L" if grey else "RGB"), alpha


def _deep_grey(image: Image.Image) -> Image.Image:
    values, white = pictures.deep_greys(image)
    if white == np.iinfo(np.uint16).max:
        return Image.fromarray(values.astype(np.uint16))
    return Image.fromarray((values / white).astype(np.float32))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode, itself where it is: `convert` would take its memory again."""
    return image if image.mode == mode else image.convert(mode)


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


def _planes(image: Image.Image) -> Samples:
    kinds = {"F": np.float32, "I;16": np.uint16}
    names = image.getbands()
    planes = np.empty((len(names), image.height, image.width), kinds.get(image.mode, np.uint8))
    for plane, name in zip(planes, names, strict=True):  # at once it would take twice the memory
        plane[:] = np.asarray(image.getchannel(name) if len(names) > 1 else image)
    return planes
