"""Encoding pictures as image files."""

import struct
import zlib
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import putchunk

from autoencoders.images.origin import SOFTWARE_TAG
from autoencoders.images.picture import SAMPLE_TYPES, Picture, Samples, UnusableImage, to_depth

MAX_DEPTHS = {"png": 16, "tiff": 32}  # bits per channel; other formats have 8
KEPT_DEPTHS = (
    "PNG and TIFF keep 16 bits per channel, TIFF 32 bits for grey; CMYK and colours multiplied by "
    "alpha are read with 8 bits"
)
SAVE_OPTIONS: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}
MAX_SIDES = {"jpeg": 65_500, "webp": 16_383}  # pixels
MAX_DPI = 2**16 - 1  # in a JPEG
METRES_PER_INCH = 0.0254
PNG_HEADER = 33  # bytes of the signature and the first chunk of a PNG


def require_support(picture: Picture, format: str, factor: int = 1) -> None:
    """Raise `UnusableImage` if a format cannot store a picture's transparency or enlarged size."""
    height, width = (factor * length for length in picture.size)
    if max(height, width) > (limit := MAX_SIDES.get(format, height + width)):
        raise UnusableImage(
            f"the output has {width}×{height} pixels; allowed in {format.upper()}: up to {limit} "
            "per side; choose png or tiff"
        )
    if picture.alpha is not None and format == "jpeg":
        raise UnusableImage(
            "has transparent pixels, which JPEG cannot store; choose png, webp or tiff"
        )


def written_depth(picture: Picture, format: str) -> int:
    """Return the bits per channel with which a picture is written in a format."""
    return min(picture.decoded_depth, MAX_DEPTHS.get(format, 8))


def encode_image(picture: Picture, format: str, origin: str) -> bytes:
    """Return a picture as the bytes of a file, with its `origin` in the EXIF.

    Raises:
        UnusableImage: the format cannot store the picture.
    """
    require_support(picture, format)
    depth = written_depth(picture, format)
    values = _values(picture, depth)
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = origin
    options = SAVE_OPTIONS.get(format, {}) | {"exif": exif, "icc_profile": picture.profile}
    if picture.dpi and all(0 < value <= MAX_DPI for value in picture.dpi):
        options["dpi"] = picture.dpi
        # WebP has no other place for it.
        exif[Base.XResolution], exif[Base.YResolution], exif[Base.ResolutionUnit] = *picture.dpi, 2
    if depth == 16 and values.ndim == 3:  # Pillow does not support it
        return _deep_png(values, options) if format == "png" else _deep_tiff(values, options)
    stream = BytesIO()
    try:
        Image.fromarray(values).save(stream, format=format, **options)
    except (OSError, ValueError) as error:
        reason = f"cannot be written as {format.upper()} ({error}); choose another format"
        raise UnusableImage(reason) from None
    return stream.getvalue()


def _deep_png(values: Samples, options: dict[str, Any]) -> bytes:
    """Return a PNG of an image `(H, W, C)`, with the metadata in chunks after the first one.

    `options` are those of Pillow's `save`.
    """
    content = memoryview(imagecodecs.png_encode(values))
    extra = BytesIO()
    if options["icc_profile"] is not None:
        putchunk(extra, b"iCCP", b"ICC Profile\0\0", zlib.compress(options["icc_profile"]))
    if "dpi" in options:
        per_metre = (round(value / METRES_PER_INCH) for value in options["dpi"])
        putchunk(extra, b"pHYs", struct.pack(">IIB", *per_metre, 1))
    putchunk(extra, b"eXIf", options["exif"].tobytes().removeprefix(b"Exif\0\0"))
    return b"".join([content[:PNG_HEADER], extra.getvalue(), content[PNG_HEADER:]])


def _deep_tiff(values: Samples, options: dict[str, Any]) -> bytes:
    """Return a TIFF of an image `(H, W, C)`, with the metadata in Pillow's `options`.

    Grey with alpha is written as colours, because Pillow cannot read such TIFFs of 16 bits.
    """
    if values.shape[2] == 2:
        values = values[..., [0, 0, 0, 1]]
    content = imagecodecs.tiff_encode(
        values,
        photometric="rgb",
        planarconfig="contig",
        extrasample="unassalpha" if values.shape[2] == 4 else None,
        software=options["exif"][SOFTWARE_TAG],
        iccprofile=options["icc_profile"],
        resolution=options.get("dpi"),
    )
    return bytes(content)


def _values(picture: Picture, depth: int) -> Samples:
    """Return the samples `(H, W, C)` with the alpha last, or `(H, W)` for opaque grey."""
    parts = [picture.planes] if picture.alpha is None else [picture.planes, picture.alpha]
    channels = sum(len(planes) for planes in parts)
    values = np.empty((*picture.size, channels), SAMPLE_TYPES[depth])
    for row in range(len(values)):  # all rows at once need memory for two more images
        values[row] = np.concatenate([to_depth(planes[:, row], depth) for planes in parts]).T
    return values if channels > 1 else values.squeeze(2)
