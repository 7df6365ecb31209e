"""Colours, and greys with transparency, of 16 bits per channel, which Pillow has no images for."""

import struct
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile
from PIL.PngImagePlugin import putchunk

from autoencoders.application.targets import SOFTWARE
from autoencoders.sources import pictures

Deep: TypeAlias = npt.NDArray[np.uint16]

GREY_AND_ALPHA = "LA;16B"
# What Pillow calls channels of two bytes in a file, without the order of the bytes: it keeps the
# upper one, so that with the orders mixed up it keeps the lower one.
COLOURS = ("RGB;16", "RGBA;16", "RGBX;16")
MIXED_UP = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}

COMPRESSION, EXTRA = 259, 338  # TIFF's tags
UNSIGNED, RGB, MULTIPLIED = 1, 2, 1  # values of its sample format, photometric and extra channel
UNPACKED = (1, 8, 32946)  # the compressions that tifffile needs no other package for: none, Deflate

PNG_MAGIC, PNG_COLOURS = b"\x89PNG\r\n\x1a\n", {2: 4, 3: 2, 4: 6}  # its type by its channels
TO_THE_ROW_ABOVE = b"\2"  # PNG's filter Up, by which smooth pictures become small numbers
STRIP = 64  # rows that are compressed at a time


def raw_mode(opened: Image.Image) -> str:
    """Return what Pillow calls the pixels in an opened file that is not decoded yet."""
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0][3] if tiles else ""  # of the decoder: the mode in the file, or that first
    return arguments if isinstance(arguments, str) else str(arguments[0])


def is_deep(opened: Image.Image) -> bool:
    """Return whether `channels` reads such an opened file."""
    raw = raw_mode(opened)
    return raw == GREY_AND_ALPHA or raw[:-1] in COLOURS or _is_apart(opened)


def channels(path: Path, opened: Image.Image) -> Deep:
    """Return the channels `(C, H, W)` of an image file that is opened and not decoded, upright.

    Raises:
        Unfit: the file cannot be read, or what its numbers mean is not certain.
    """
    raw = raw_mode(opened)
    if _is_apart(opened):
        return _apart(path, opened)
    if raw == GREY_AND_ALPHA:  # as four channels of one byte
        each = _decoded(path, "RGBA")
        upper, lower = each[::2], each[1::2]
    else:
        upper, lower = _decoded(path, raw), _decoded(path, raw[:-1] + MIXED_UP[raw[-1]])
    values = upper.astype(np.uint16)
    values <<= 8
    values |= lower
    return values


def _is_apart(opened: Image.Image) -> bool:
    """Return whether it is a TIFF with one channel after the other, which Pillow mixes up."""
    tags = getattr(opened, "tag_v2", {})
    return (
        tags.get(pictures.PLANES) == pictures.APART
        and set(tags.get(pictures.BITS, ())) == {16}
        and set(tags.get(pictures.SAMPLE_FORMAT, (UNSIGNED,))) == {UNSIGNED}
        and tags.get(pictures.PHOTOMETRIC) == RGB
        and tags.get(EXTRA) != (MULTIPLIED,)
        and tags.get(COMPRESSION, 1) in UNPACKED
    )


def _apart(path: Path, opened: Image.Image) -> Deep:
    import tifffile

    planes = tifffile.imread(path, key=0)
    return np.stack([np.asarray(pictures.upright(Image.fromarray(p), opened)) for p in planes])


def _decoded(path: Path, raw: str) -> npt.NDArray[np.uint8]:
    """Return what Pillow makes of a file as if its pixels were `raw`, `(C, H, W)`."""
    with pictures.opening(path) as opened:
        assert isinstance(opened, ImageFile.ImageFile)
        opened.tile = [tile._replace(args=_arguments(tile.args, raw)) for tile in opened.tile]
        image = pictures.upright(pictures.decoded(opened), opened)
        return np.asarray(image).transpose(2, 0, 1)


def _arguments(known: Any, raw: str) -> Any:
    """Return a decoder's arguments, which are the raw mode or begin with it, for another one."""
    return raw if isinstance(known, str) else (raw, *known[1:])


def write_png(to: BinaryIO, values: Deep, origin: str, profile: bytes | None) -> None:
    """Write an image `(H, W, C)` as PNG, with its `origin` in the EXIF.

    Raises:
        OSError: it cannot be written.
    """
    height, width, channels = values.shape
    exif = Image.Exif()
    exif[SOFTWARE] = origin
    to.write(PNG_MAGIC)
    shape = struct.pack(">IIBB", width, height, 16, PNG_COLOURS[channels])
    putchunk(to, b"IHDR", shape, bytes(3))
    if profile is not None:
        putchunk(to, b"iCCP", b"ICC Profile\0\0", zlib.compress(profile))
    putchunk(to, b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    compressed, above = zlib.compressobj(), np.zeros((1, 2 * channels * width), np.uint8)
    for start in range(0, height, STRIP):
        rows = values[start : start + STRIP].astype(">u2").view(np.uint8).reshape(-1, above.size)
        differences = rows - np.concatenate([above, rows[:-1]])
        lines = b"".join(TO_THE_ROW_ABOVE + line.tobytes() for line in differences)
        putchunk(to, b"IDAT", compressed.compress(lines))
        above = rows[-1:]
    putchunk(to, b"IDAT", compressed.flush())
    putchunk(to, b"IEND")


def write_tiff(to: BinaryIO, values: Deep, origin: str, profile: bytes | None) -> None:
    """Write an image `(H, W, C)` as TIFF, with its `origin` in the tag for it.

    Grey with alpha is written as colours, as Pillow and others read no such TIFF of 16 bits.

    Raises:
        OSError: it cannot be written.
    """
    import tifffile

    if values.shape[2] == 2:
        values = values[..., [0, 0, 0, 1]]
    tifffile.imwrite(
        to,
        values,
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if values.shape[2] == 4 else None,
        software=origin,
        iccprofile=profile,
        metadata=None,
    )


WRITERS = {"PNG": write_png, "TIFF": write_tiff}
