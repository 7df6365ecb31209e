"""The one reader of image files, whatever a file's kind of pixels."""

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

from autoencoders.images.picture import COLOUR, GREY, Picture, Samples, TooLarge, UnusableImage

# Files of other formats that hold more than one image hold versions of it, as phones' JPEGs do.
FRAMED = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")
# Modes whose colour profile is one of grey or RGB, as what is written is.
PROFILED = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "F", "P", "RGB", "RGBA", "RGBX")
USUAL_GAMMA = 1 / 2.2  # of a PNG, near to that of sRGB
FEW_BITS = {"L;2": 85, "L;4": 17}  # what Pillow multiplies a PNG's greys by, but not the clear one
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SAVE_OTHERWISE = "save it with 8 or 16 bits per channel"

# TIFF's tags, of which EXIF has the third too, and some of their values.
BITS, PHOTOMETRIC, ORIENTATION, PLANES, EXTRA, SAMPLE_FORMAT = 258, 262, 274, 284, 338, 339
WHITE_IS_ZERO, RGB, APART, MULTIPLIED, UNSIGNED, SIGNED = 0, 2, 2, 1, 1, 2


def read_image(path: Path, first_frame: bool = False, max_pixels: int | None = None) -> Picture:
    """Read an image file: upright, as EXIF tells; its content decides what it is.

    Of 16 bits of CMYK, of PPM's colours, and of colours multiplied by their alpha, Pillow keeps the
    upper eight. Colour profiles are not applied.

    Args:
        path: of the file.
        first_frame: read the first of several frames; without it they are refused.
        max_pixels: pixels that are taken, which is looked up before any is decoded; None for all.

    Raises:
        TooLarge: there are more pixels than `max_pixels`, or than are ever opened.
        UnusableImage: the file cannot be read, or the meaning of its pixel values is not certain:
            floating-point values must lie in [0, 1].
    """
    with open_image(path) as opened:
        if max_pixels is not None and opened.width * opened.height > max_pixels:
            size = f"{opened.width}×{opened.height}"
            raise TooLarge(f"{size} pixels; allowed: {max_pixels // 10**6} million in all")
        has_more = opened.format in FRAMED and _is_animated(opened)
        if has_more and not first_frame:
            raise UnusableImage("holds several frames: save the frame to use as a separate file")
        _require_known_greys(opened)
        depth = _depth(opened)
        planes, alpha = _deep_colours(path, opened) if _is_deep(opened) else _loaded(opened)
        orientation = _orientation(opened)
        fits = opened.mode in PROFILED and not _has_grey_palette(opened)
        profile = opened.info.get("icc_profile") if fits else None
    alpha = None if alpha is None else _upright(alpha, orientation)
    return Picture(_upright(planes, orientation), alpha, depth, profile, has_more, opened.format)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Yield an image file, opened and not decoded, to a body that decodes it and does nothing else.

    Raises:
        UnusableImage: the file cannot be opened, or the body fails, in whatever way.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images, damaged EXIF: it is read or it is unfit
        try:
            _require_file(path)
            # By its name, Pillow would map a TIFF into memory, and mix up height and width.
            with path.open("rb") as stream, Image.open(stream) as opened:
                yield opened
        except UnusableImage:
            raise
        except Exception as error:  # a decoder may raise anything on a damaged file
            kind = TooLarge if isinstance(error, Image.DecompressionBombError) else UnusableImage
            raise kind(f"cannot be read as an image ({_reason(error, path)})") from None


def _require_file(path: Path) -> None:
    """Refuse what cannot be opened without waiting for it, such as a pipe."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise UnusableImage("is a folder, not an image file")
    if not stat.S_ISREG(mode):
        raise UnusableImage("is neither a file nor a folder")


def _is_animated(opened: Image.Image) -> bool:
    """Return whether there are frames after the first, as far as one can tell from a file."""
    try:
        return bool(getattr(opened, "is_animated", False))
    except Exception:  # where the second one is damaged, the first may be whole
        return False


def _require_known_greys(opened: Image.Image) -> None:
    """Refuse a PNG whose numbers mean other brightnesses than usual, and no profile says which."""
    gamma = opened.info.get("gamma")
    if gamma is None or "icc_profile" in opened.info or "srgb" in opened.info:
        return
    if abs(gamma - USUAL_GAMMA) > 0.1 * USUAL_GAMMA:
        raise UnusableImage(
            f"a PNG of gamma {gamma:g}, which would be lost: save it as sRGB or with a profile"
        )


def _depth(opened: Image.Image) -> int:
    """Return the bits per channel of an opened file that is not decoded yet."""
    if opened.mode == "F":
        return 32
    deeper = opened.mode.startswith("I") or _raw_mode(opened).endswith(";16B")
    return 16 if deeper or max(_tags(opened).get(BITS, (8,))) > 8 else 8


def _raw_mode(opened: Image.Image) -> str:
    """Return what Pillow calls the pixels in an opened file that is not decoded yet."""
    tiles = getattr(opened, "tile", None)
    arguments = tiles[0][3] if tiles else ""  # of the decoder: the mode in the file, or that first
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _tags(opened: Image.Image) -> Any:
    """Return the tags of a TIFF, by their numbers; none of other files."""
    return getattr(opened, "tag_v2", {})


def _is_deep(opened: Image.Image) -> bool:
    """Return whether an opened file has channels of 16 bits, of which Pillow keeps the upper 8."""
    if _depth(opened) != 16 or len(opened.getbands()) == 1:
        return False
    tags = _tags(opened)
    return not tags or (
        set(tags.get(BITS, ())) == {16}
        and set(tags.get(SAMPLE_FORMAT, (UNSIGNED,))) == {UNSIGNED}
        and tags.get(PHOTOMETRIC) == RGB
        and tags.get(EXTRA) != (MULTIPLIED,)
    )


def _deep_colours(path: Path, opened: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the planes and alpha of a PNG or TIFF whose channels have 16 bits."""
    if opened.format == "PNG":
        channels = imagecodecs.png_decode(path.read_bytes()).transpose(2, 0, 1)
    else:
        channels = imagecodecs.tiff_decode(path.read_bytes())
        if _tags(opened).get(PLANES) != APART:
            channels = channels.transpose(2, 0, 1)
    colours = GREY if len(channels) == 2 else COLOUR
    clear = len(channels) > colours and opened.mode != "RGBX"
    return channels[:colours], channels[colours : colours + 1] if clear else None


def _loaded(opened: Image.Image) -> tuple[Samples, Samples | None]:
    """Return the planes and alpha of an opened file, as Pillow decodes it."""
    image = _decoded(opened)
    if image.mode == "F":
        return _in_range(_planes(image)), None
    clear = image.info.get("transparency")
    if image.mode.startswith("I"):
        values = np.asarray(image)[None]
        alpha = None if clear is None else np.where(values == clear, 0, 255).astype(np.uint8)
        return _deep_greys(values, opened), alpha
    grey = image.mode in ("1", "L", "LA") or _has_grey_palette(image)
    if not image.has_transparency_data:
        return _planes(_converted(image, "L" if grey else "RGB")), None
    channels = _planes(_converted(image, "LA" if grey else "RGBA"))
    return channels[:-1], channels[-1:]


def _decoded(opened: Image.Image) -> Image.Image:
    """Decode an opened file, in whatever mode Pillow has for it.

    Where a colour counts as clear, it is `info["transparency"]`.

    Raises:
        UnusableImage: what its numbers mean is not certain.
    """
    raw_mode, tags = _raw_mode(opened), _tags(opened)
    clear = opened.info.get("transparency")
    opened.load()
    if SIGNED in tags.get(SAMPLE_FORMAT, ()):
        raise UnusableImage(f"signed pixels: {SAVE_OTHERWISE}, unsigned")
    several = len(opened.getbands()) > 1
    if several and tags.get(PLANES) == APART and max(tags.get(BITS, (1,))) > 8:
        # Pillow takes each byte of a channel for a pixel.
        raise UnusableImage(
            "16-bit channels in separate planes: save it with 8 bits or interleaved"
        )
    if opened.mode == "I" and opened.format not in ("PNG", "PPM"):  # where it holds 16 bits
        raise UnusableImage(f"32-bit pixels: {SAVE_OTHERWISE}")
    if isinstance(clear, int) and raw_mode in FEW_BITS:
        opened.info["transparency"] = clear * FEW_BITS[raw_mode]
    return opened.convert("LA") if opened.mode == "La" else opened


def _deep_greys(values: npt.NDArray[np.integer[Any]], opened: Image.Image) -> Samples:
    """Return greys of 9 to 16 bits as those of 16, or as numbers in [0, 1]."""
    tags = _tags(opened)
    white = 2 ** tags.get(BITS, (16,))[0] - 1
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = white - values
    is_whole = white == np.iinfo(np.uint16).max
    return values.astype(np.uint16) if is_whole else (values / white).astype(np.float32)


def _in_range(values: Samples) -> Samples:
    if not np.isfinite(values).all():
        raise UnusableImage("float pixels that are no numbers: save it with numbers in [0, 1]")
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise UnusableImage(f"float pixels from {low:g} to {high:g}; allowed: 0 to 1: scale them")
    return values


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode, itself where it is: `convert` would take its memory again."""
    return image if image.mode == mode else image.convert(mode)


def _has_grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode in ("P", "PA") else None
    return palette is not None and palette[::3] == palette[1::3] == palette[2::3]


def _planes(image: Image.Image) -> Samples:
    names, kind = image.getbands(), np.float32 if image.mode == "F" else np.uint8
    planes = np.empty((len(names), image.height, image.width), kind)
    for plane, name in zip(planes, names, strict=True):  # at once it would take twice the memory
        plane[:] = np.asarray(image.getchannel(name) if len(names) > 1 else image)
    return planes


def _orientation(opened: Image.Image) -> int:
    """Return EXIF's: how a file's pixels are to be turned. Pillow turns a TIFF as it decodes it."""
    try:
        return int(opened.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF is no reason to lose the image
        return 1


def _upright(planes: Samples, orientation: int) -> Samples:
    if orientation in (5, 6, 7, 8):
        planes = planes.swapaxes(1, 2)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(planes[:, ::down, ::across])


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
