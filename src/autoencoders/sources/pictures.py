"""The one reader of people's image files, whatever a file's kind of pixels."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from autoencoders.keys import Bytes

MODES = {1: "L", 3: "RGB"}
UPRIGHT = {  # by EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION = 274  # EXIF's, and TIFF's
BITS, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF's tags
WHITE_IS_ZERO, APART, SIGNED = 0, 2, 2  # values of the latter three
FEW_BITS = {"L;2": 85, "L;4": 17}  # what Pillow multiplies a PNG's greys by, but not the clear one
SAVE_OTHERWISE = "save it with 8 or 16 bits per channel"


class Unfit(Exception):  # noqa: N818 - what it means is the caller's to decide
    """A file that is not read as an image; the message says why."""


@dataclass(frozen=True)
class Picture:
    """An image as bytes, `(C, H, W)`, and whether its file holds more of them after this one."""

    pixels: Bytes
    has_more: bool


def read(path: Path, channels: int, square: int | None = None) -> Picture:
    """Read an image file: upright, as EXIF tells, and transparent parts laid over white.

    16-bit greys are scaled to bytes and rounded; of 16-bit colours Pillow keeps the upper byte.
    Grey is ITU-R 601's, colour profiles are not applied, and of several frames the first is read.

    Args:
        path: of the file; its content decides what it is, and not its ending.
        channels: 1 makes the image grey, 3 colour.
        square: cut the image to the square in its middle and resample it, by Lanczos' filter, to
            so many pixels; None leaves its size.

    Raises:
        Unfit: the file cannot be read, or what its numbers mean is not certain.
    """
    with opening(path) as opened:
        more = has_more(opened)
        image = upright(_opaque(opened), opened).convert(MODES[channels])
    if square is not None:
        image = ImageOps.fit(image, (square, square), Image.Resampling.LANCZOS)
    pixels = np.asarray(image).reshape(image.height, image.width, channels).transpose(2, 0, 1)
    return Picture(pixels, more)


@contextmanager
def opening(path: Path) -> Iterator[Image.Image]:
    """Yield an image file, opened and not decoded, to a body that decodes it and does nothing else.

    Raises:
        Unfit: the file cannot be opened, or the body fails, in whatever way.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images, damaged EXIF: it is read or it is unfit
        try:
            _require_file(path)
            # By its name, Pillow would map a TIFF into memory, and mix up height and width.
            with path.open("rb") as stream, Image.open(stream) as opened:
                yield opened
        except Unfit:
            raise
        except Exception as error:  # a decoder may raise anything on a damaged file
            raise Unfit(f"cannot be read as an image ({_reason(error, path)})") from None


def _require_file(path: Path) -> None:
    """Refuse what cannot be opened without waiting for it, such as a pipe."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise Unfit("is a folder, not an image file")
    if not stat.S_ISREG(mode):
        raise Unfit("is neither a file nor a folder")


def has_more(opened: Image.Image) -> bool:
    """Return whether there are frames after the first, as far as one can tell from a file."""
    try:
        return bool(getattr(opened, "is_animated", False))
    except Exception:  # where the second one is damaged, the first may be whole
        return False


def decoded(opened: Image.Image) -> Image.Image:
    """Decode an opened file, as it is stored: not turned, in whatever mode Pillow has for it.

    Where a colour counts as clear, it is `info["transparency"]`.

    Raises:
        Unfit: what its numbers mean is not certain.
    """
    tiles = getattr(opened, "tile", None)
    raw_mode = tiles[0][3] if tiles else None  # as it is in the file
    clear = opened.info.get("transparency")
    opened.load()
    tags = getattr(opened, "tag_v2", {})
    if SIGNED in tags.get(SAMPLE_FORMAT, ()):
        raise Unfit(f"signed pixels: {SAVE_OTHERWISE}, unsigned")
    several = len(opened.getbands()) > 1
    if several and tags.get(PLANES) == APART and max(tags.get(BITS, (1,))) > 8:
        # Pillow takes each byte of a channel for a pixel.
        raise Unfit("channels of 16 bits one after the other: save it with 8, or interleaved")
    if opened.mode == "I" and opened.format not in ("PNG", "PPM"):  # where it holds 16 bits
        raise Unfit(f"32-bit pixels: {SAVE_OTHERWISE}")
    if clear is not None and raw_mode == "RGB;16B":
        raise Unfit("16-bit pixels with a transparent colour: save it with an alpha channel")
    if isinstance(clear, int) and raw_mode in FEW_BITS:
        opened.info["transparency"] = clear * FEW_BITS[raw_mode]
    return opened.convert("LA") if opened.mode == "La" else opened


def deep_greys(decoded: Image.Image) -> tuple[npt.NDArray[np.integer[Any]], int]:
    """Return greys of more than 8 bits, whose mode begins with `I`, and the one that is white."""
    tags = getattr(decoded, "tag_v2", {})
    white = 2 ** tags.get(BITS, (16,))[0] - 1
    values = np.asarray(decoded)
    return (white - values if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else values), white


def _opaque(opened: Image.Image) -> Image.Image:
    """Return the image as `RGB`, as it is stored: not turned."""
    image = decoded(opened)
    if image.mode == "F":
        raise Unfit(f"float pixels: {SAVE_OTHERWISE}")
    if image.mode.startswith("I"):
        greys = _bytes(*deep_greys(image))
        if (clear := image.info.get("transparency")) is not None:
            greys = np.where(np.asarray(image) == clear, np.uint8(255), greys)
        return Image.fromarray(greys).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")


def _bytes(values: npt.NDArray[np.integer[Any]], largest: int) -> Bytes:
    """Scale values from 0 to `largest` to bytes, rounded."""
    return ((values.astype(np.uint32) * 255 + largest // 2) // largest).astype(np.uint8)


def upright(image: Image.Image, opened: Image.Image) -> Image.Image:
    """Turn an image as the EXIF of its loaded file tells: Pillow has already turned a TIFF."""
    try:
        orientation = opened.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF is no reason to lose the image
        orientation = 1
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _reason(error: Exception, path: Path) -> str:
    """Return why a file could not be decoded, in a few words."""
    match error:
        case UnidentifiedImageError() if path.stat().st_size == 0:
            return "the file is empty"
        case UnidentifiedImageError():
            with path.open("rb") as stream:
                tiff = stream.read(4) in TIFF_MAGIC
            unknown = f"a TIFF of a kind that Pillow does not know: {SAVE_OTHERWISE}"
            return unknown if tiff else "damaged, or of no format that Pillow knows"
        case OSError(strerror=str(reason)):
            return reason
    return (str(error).splitlines() or [""])[0] or type(error).__name__
