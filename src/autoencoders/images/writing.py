"""Pictures into files."""

import zlib
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import putchunk

from autoencoders.images.output_paths import SOFTWARE_TAG
from autoencoders.images.picture import SAMPLE_TYPES, Picture, Samples, UnusableImage, to_depth

DEEPEST = {"png": 16, "tiff": 32}  # bits per channel; of all others 8
KEPT_DEPTHS = (
    "PNG and TIFF keep 16 of them, TIFF 32 of grey; of CMYK, and of colours that are multiplied by "
    "their alpha, 8 are read"
)
SAVED_WITH: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}
PNG_HEADER = 33  # bytes of a PNG's signature and first chunk


def require_alpha_support(picture: Picture, kind: str) -> None:
    """Raise `UnusableImage` for a picture whose transparency cannot be written as a `kind`."""
    if picture.alpha is not None and kind == "jpeg":
        raise UnusableImage(
            "has transparent parts, JPEG cannot hold them: choose png, webp or tiff"
        )


def written_depth(picture: Picture, kind: str) -> int:
    """Return with how many bits per channel a picture is written as a `kind`."""
    return min(picture.decoded_depth, DEEPEST.get(kind, 8))


def encode_image(picture: Picture, kind: str, origin: str) -> bytes:
    """Return a picture as a file of a `kind`, with its `origin` in the EXIF.

    Raises:
        UnusableImage: the format cannot hold it.
    """
    require_alpha_support(picture, kind)
    depth = written_depth(picture, kind)
    values = _values(picture, depth)
    if depth == 16 and values.ndim == 3:  # Pillow has no such images
        encode = _deep_png if kind == "png" else _deep_tiff
        return encode(values, origin, picture.profile)
    stream = BytesIO()
    try:
        Image.fromarray(values).save(
            stream,
            format=kind,
            exif=_exif(origin),
            icc_profile=picture.profile,
            **SAVED_WITH.get(kind, {}),
        )
    except (OSError, ValueError) as error:  # what an encoder has to say of too large an image
        raise UnusableImage(f"cannot be written as {kind.upper()} ({error})") from None
    return stream.getvalue()


def _deep_png(values: Samples, origin: str, profile: bytes | None) -> bytes:
    """Return a PNG of an image `(H, W, C)`; its EXIF and profile are chunks after the first."""
    content = memoryview(imagecodecs.png_encode(values))
    extra = BytesIO()
    if profile is not None:
        putchunk(extra, b"iCCP", b"ICC Profile\0\0", zlib.compress(profile))
    putchunk(extra, b"eXIf", _exif(origin).tobytes().removeprefix(b"Exif\0\0"))
    return b"".join([content[:PNG_HEADER], extra.getvalue(), content[PNG_HEADER:]])


def _deep_tiff(values: Samples, origin: str, profile: bytes | None) -> bytes:
    """Return a TIFF of an image `(H, W, C)`.

    Grey with alpha is written as colours, as Pillow and others read no such TIFF of 16 bits.
    """
    if values.shape[2] == 2:
        values = values[..., [0, 0, 0, 1]]
    content = imagecodecs.tiff_encode(
        values,
        photometric="rgb",
        planarconfig="contig",
        extrasample="unassalpha" if values.shape[2] == 4 else None,
        software=origin,
        iccprofile=profile,
    )
    return bytes(content)


def _exif(origin: str) -> Image.Exif:
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = origin
    return exif


def _values(picture: Picture, depth: int) -> Samples:
    """Return samples of so many bits `(H, W, C)`, the alpha last; `(H, W)` of an opaque grey."""
    parts = [picture.planes] if picture.alpha is None else [picture.planes, picture.alpha]
    channels = sum(len(planes) for planes in parts)
    values = np.empty((*picture.size, channels), SAMPLE_TYPES[depth])
    for row in range(len(values)):  # at once it would take the memory of two more images
        values[row] = np.concatenate([to_depth(planes[:, row], depth) for planes in parts]).T
    return values if channels > 1 else values.squeeze(2)
