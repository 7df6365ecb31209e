"""Reading image files of all supported formats and pixel types."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from autoencoders.images.formats import image_extensions
from autoencoders.images.picture import (
    COLOUR,
    GREY,
    Picture,
    Resolution,
    Samples,
    TooLarge,
    UnusableImage,
)

# In other formats, several images in one file are versions of one image, as in phones' JPEGs.
MULTI_FRAME = ("AVIF", "DCX", "FLI", "GIF", "IM", "PNG", "TIFF", "WEBP")
# Pillow's modes with a colour profile for grey or RGB, which outputs can keep.
PROFILE_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "F", "P", "RGB", "RGBA", "RGBX")
USUAL_GAMMA = 1 / 2.2  # of a PNG; close to the gamma of sRGB
# Pillow multiplies a PNG's greys by these factors, but not the value of its transparent grey.
FEW_BITS = {"L;2": 85, "L;4": 17}
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
TRANSPOSED = (5, 6, 7, 8)  # EXIF's orientations that exchange rows and columns
INCHES = {2: 1, 3: 1 / 2.54}  # the lengths of EXIF's units, inch and centimetre
SAVE_ADVICE = "save it with 8 or 16 bits per channel"

# The tags of TIFF, and some of their values.
BITS, PHOTOMETRIC, PLANES, EXTRA, SAMPLE_FORMAT = 258, 262, 284, 338, 339
WHITE_IS_ZERO, RGB, SEPARATE, PREMULTIPLIED, UNSIGNED, SIGNED = 0, 2, 2, 1, 1, 2


def read_image(path: Path, first_frame: bool = False, max_pixels: int | None = None) -> Picture:
    """Read an image file and turn the image upright according to its EXIF.

    The content of the file determines its format, not its name. CMYK, PPM colours and colours
    premultiplied by alpha with 16 bits are read with 8 bits. Colour profiles are not applied.

    Args:
        path: the file.
        first_frame: read the first of several frames; otherwise several frames are an error.
        max_pixels: the limit on height times width, checked before decoding; None for Pillow's.

    Raises:
        TooLarge: the image has more pixels than `max_pixels` or Pillow's limit.
        UnusableImage: the file cannot be read, or its pixel values are ambiguous:
            floating-point values must lie in [0, 1].
    """
    with open_image(path) as opened:
        if max_pixels is not None and opened.width * opened.height > max_pixels:
            size = f"{opened.width}×{opened.height}"
            raise TooLarge(f"{size} pixels; allowed: up to {max_pixels // 10**6} million pixels")
        has_more = opened.format in MULTI_FRAME and _is_animated(opened)
        if has_more and not first_frame:
            raise UnusableImage("contains several frames; save one frame as a separate file")
        _require_usual_gamma(opened)
        depth = _depth(opened)
        planes, alpha = _deep_colours(path, opened) if _is_deep(opened) else _loaded(opened)
        orientation = _orientation(opened)
        keeps_profile = opened.mode in PROFILE_MODES and not _has_grey_palette(opened)
        profile = opened.info.get("icc_profile") if keeps_profile else None
        dpi = _dpi(opened, orientation)
    alpha = None if alpha is None else _upright(alpha, orientation)
    upright = _upright(planes, orientation)
    return Picture(upright, alpha, depth, profile, has_more, opened.format, dpi)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Yield an opened image file; the body of the `with` statement decodes it.

    Raises:
        UnusableImage: the file cannot be opened, or the body raises any error.
    """
    image_extensions()  # loads the plug-ins
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about large images and damaged EXIF
        try:
            _require_file(path)
            # From a path, Pillow would memory-map a TIFF, and confuse height and width.
            with path.open("rb") as stream, Image.open(stream) as opened:
                yield opened
        except UnusableImage:
            raise
        except Exception as error:  # decoders raise many types for damaged files
            kind = TooLarge if isinstance(error, Image.DecompressionBombError) else UnusableImage
            raise kind(f"cannot be read as an image ({_reason(error, path)})") from None


def _require_file(path: Path) -> None:
    """Raise `UnusableImage` unless the path is a file; opening a pipe could wait forever."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UnusableImage("there is no such file") from None
    if stat.S_ISDIR(mode):
        raise UnusableImage("is a folder, not an image file")
    if not stat.S_ISREG(mode):
        raise UnusableImage("is neither a file nor a folder")


def _is_animated(opened: Image.Image) -> bool:
    """Return whether there are readable frames after the first."""
    try:
        return bool(getattr(opened, "is_animated", False))
    except Exception:  # the second frame is damaged; the first may be readable
        return False


def _require_usual_gamma(opened: Image.Image) -> None:
    """Raise `UnusableImage` for a PNG with an unusual gamma and without a colour profile."""
    gamma = opened.info.get("gamma")
    if gamma is None or "icc_profile" in opened.info or "srgb" in opened.info:
        return
    if abs(gamma - USUAL_GAMMA) > 0.1 * USUAL_GAMMA:
        raise UnusableImage(
            f"a PNG with gamma {gamma:g}; allowed: {USUAL_GAMMA:.2f}; save it as sRGB or with a "
            "colour profile"
        )


def _depth(opened: Image.Image) -> int:
    """Return the bits per channel of an opened file before it is decoded."""
    if opened.mode == "F":
        return 32
    deeper = opened.mode.startswith("I") or _raw_mode(opened).endswith(";16B")
    return 16 if deeper or max(_tags(opened).get(BITS, (8,))) > 8 else 8


def _raw_mode(opened: Image.Image) -> str:
    """Return Pillow's name of the pixel type in an opened file before it is decoded."""
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0][3] if tiles else None  # of the decoder; the type is the first
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _tags(opened: Image.Image) -> Any:
    """Return the tags of a TIFF by their numbers; empty for other files."""
    return getattr(opened, "tag_v2", {})


def _is_deep(opened: Image.Image) -> bool:
    """Return whether a file has 16-bit channels that Pillow would reduce to 8 bits."""
    if _depth(opened) != 16 or len(opened.getbands()) == 1:
        return False
    tags = _tags(opened)
    return not tags or (
        set(tags.get(BITS, ())) == {16}
        and set(tags.get(SAMPLE_FORMAT, (UNSIGNED,))) == {UNSIGNED}
        and tags.get(PHOTOMETRIC) == RGB
        and tags.get(EXTRA) != (PREMULTIPLIED,)
    )


def _deep_colours(path: Path, opened: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the planes `(C, H, W)` and alpha `(1, H, W)` of a PNG or TIFF with 16-bit channels."""
    if opened.format == "PNG":
        channels = imagecodecs.png_decode(path.read_bytes()).transpose(2, 0, 1)
    else:
        channels = imagecodecs.tiff_decode(path.read_bytes())
        if _tags(opened).get(PLANES) != SEPARATE:
            channels = channels.transpose(2, 0, 1)
    colours = GREY if len(channels) == 2 else COLOUR
    has_alpha = len(channels) > colours and opened.mode != "RGBX"
    return channels[:colours], channels[colours : colours + 1] if has_alpha else None


def _loaded(opened: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the planes `(C, H, W)` and alpha `(1, H, W)` of a file that Pillow decodes."""
    image = _decoded(opened)
    if image.mode == "F":
        return _in_range(_planes(image)), None
    transparent = image.info.get("transparency")
    if image.mode.startswith("I"):
        values, alpha = np.asarray(image)[None], None
        if transparent is not None:
            alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
        return _deep_greys(values, opened), alpha
    grey = image.mode in ("1", "L", "LA") or _has_grey_palette(image)
    if not image.has_transparency_data:
        return _planes(_converted(image, "L" if grey else "RGB")), None
    channels = _planes(_converted(image, "LA" if grey else "RGBA"))
    return channels[:-1], channels[-1:]


def _decoded(opened: Image.Image) -> Image.Image:
    """Decode an opened file in Pillow's mode for it.

    The value or colour of transparent pixels, if any, is `info["transparency"]`.

    Raises:
        UnusableImage: the meaning of the pixel values is ambiguous.
    """
    raw_mode, tags = _raw_mode(opened), _tags(opened)
    transparent = opened.info.get("transparency")
    opened.load()
    if SIGNED in tags.get(SAMPLE_FORMAT, ()):
        raise UnusableImage(f"signed pixel values; {SAVE_ADVICE}, unsigned")
    several = len(opened.getbands()) > 1
    if several and tags.get(PLANES) == SEPARATE and max(tags.get(BITS, (1,))) > 8:
        # Pillow would read each byte of a channel as a pixel.
        raise UnusableImage(
            "16-bit channels in separate planes; save it with 8 bits or interleaved"
        )
    if opened.mode == "I" and opened.format not in ("PNG", "PPM"):  # these have 16 bits
        raise UnusableImage(f"32-bit pixels; {SAVE_ADVICE}")
    if isinstance(transparent, int) and raw_mode in FEW_BITS:
        opened.info["transparency"] = transparent * FEW_BITS[raw_mode]
    return opened.convert("LA") if opened.mode == "La" else opened


def _deep_greys(values: npt.NDArray[np.integer[Any]], opened: Image.Image) -> Samples:
    """Return greys of 9 to 16 bits: uint16 for 16 bits, else float32 in [0, 1]."""
    tags = _tags(opened)
    white = 2 ** tags.get(BITS, (16,))[0] - 1
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = white - values
    is_uint16 = white == np.iinfo(np.uint16).max
    return values.astype(np.uint16) if is_uint16 else (values / white).astype(np.float32)


def _in_range(values: Samples) -> Samples:
    if not np.isfinite(values).all():
        raise UnusableImage("float pixels with NaN or infinity; allowed: 0 to 1; replace them")
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise UnusableImage(f"float pixels from {low:g} to {high:g}; allowed: 0 to 1; scale them")
    return values


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode; `convert` would copy an image that is already in it."""
    return image if image.mode == mode else image.convert(mode)


def _has_grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode in ("P", "PA") else None
    return palette is not None and palette[::3] == palette[1::3] == palette[2::3]


def _planes(image: Image.Image) -> Samples:
    names, kind = image.getbands(), np.float32 if image.mode == "F" else np.uint8
    planes = np.empty((len(names), image.height, image.width), kind)
    for plane, name in zip(planes, names, strict=True):  # all at once need twice the memory
        plane[:] = np.asarray(image.getchannel(name) if len(names) > 1 else image)
    return planes


def _orientation(opened: Image.Image) -> int:
    """Return EXIF's code of the orientation; Pillow itself turns a TIFF upright when it decodes."""
    try:
        return int(opened.getexif().get(Base.Orientation, 1))
    except Exception:  # an image with damaged EXIF is still usable
        return 1


def _dpi(opened: Image.Image, orientation: int) -> Resolution:
    """Return the pixels per inch of the upright image: the format's own, or else EXIF's."""
    # Otherwise Pillow may give a default for these formats.
    stated = opened.format not in ("JPEG", "MPO", "TIFF") or opened.info.get("jfif_unit")
    dpi = opened.info.get("dpi") if stated else None
    try:
        if dpi is None:
            exif = opened.getexif()
            unit = INCHES[exif.get(Base.ResolutionUnit, 2)]
            dpi = exif[Base.XResolution] / unit, exif[Base.YResolution] / unit
        across, down = map(float, dpi)
    except Exception:  # there is no resolution, or it is damaged
        return None
    return (down, across) if orientation in TRANSPOSED else (across, down)


def _upright(planes: Samples, orientation: int) -> Samples:
    if orientation in TRANSPOSED:
        planes = planes.swapaxes(1, 2)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(planes[:, ::down, ::across])


def _reason(error: Exception, path: Path) -> str:
    """Return the reason why a file could not be decoded."""
    match error:
        case Image.DecompressionBombError():
            return f"{error}; scale it down"
        case UnidentifiedImageError() if path.stat().st_size == 0:
            return "the file is empty"
        case UnidentifiedImageError():
            with path.open("rb") as stream:
                tiff = stream.read(4) in TIFF_MAGIC
            unknown = f"a type of TIFF that Pillow does not support; {SAVE_ADVICE}"
            other = "damaged, or in a format that Pillow does not support here; save it as PNG"
            return unknown if tiff else other
        case OSError(strerror=str(reason)):
            return reason
    return (str(error).splitlines() or [""])[0] or type(error).__name__
