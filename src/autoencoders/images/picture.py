"""An image with all that its file tells: depth, transparency, colour profile."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Floats: TypeAlias = npt.NDArray[np.float32]
Number: TypeAlias = np.uint8 | np.uint16 | np.float32
# Numbers in [0, 1], or integers from 0 to the largest of their kind, which stands for 1.
Samples: TypeAlias = npt.NDArray[Number]

SAMPLE_TYPES: dict[int, type[Number]] = {8: np.uint8, 16: np.uint16, 32: np.float32}  # by bits
CHANNELS = GREY, COLOUR = 1, 3
# Of BT.601, to 16 bits, as Pillow has it: sums of bytes are exact in float32.
LUMA = np.array([19595, 38470, 7471], np.float32) / 2**16


class UnusableImage(Exception):  # noqa: N818 - what it means is the caller's to decide
    """A file that is not read or written as an image; the message says why."""


class TooLarge(UnusableImage):
    """A file with more bytes, or more pixels, than are taken."""


class WrongSize(UnusableImage):
    """An image that is not of the only size that is taken, and may be resampled to it."""


@dataclass(frozen=True)
class Picture:
    """An image, upright.

    Samples keep the type of their file, because float32 takes four times the memory of bytes.
    `floats` converts the part that is needed.

    Attributes:
        planes: grey or RGB, `(C, H, W)`.
        alpha: `(1, H, W)`; None where all is opaque.
        depth: bits per channel in its file: 8, 16, or 32 for floating-point numbers.
        profile: the ICC profile.
        has_more: its file holds more images after this one.
        format: what Pillow calls that of its file.
    """

    planes: Samples
    alpha: Samples | None = None
    depth: int = 8
    profile: bytes | None = None
    has_more: bool = False
    format: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.planes.shape[1], self.planes.shape[2]

    @property
    def decoded_depth(self) -> int:
        """Return how many bits per channel there are to write: of the file's, what was read."""
        return min(self.depth, 8 * self.planes.itemsize)


def to_floats(values: Samples) -> Floats:
    """Return samples as numbers in [0, 1]."""
    numbers = values.astype(np.float32, copy=False)
    if values.dtype.kind == "u":
        numbers /= 2 ** (8 * values.itemsize) - 1
    return numbers


def to_depth(values: Samples, bits: int) -> Samples:
    """Return samples as those of so many bits, rounded; floating-point numbers are in [0, 1]."""
    if values.dtype == SAMPLE_TYPES[bits]:
        return values
    numbers = to_floats(values)
    if bits == 32:
        return numbers
    scaled = numbers * np.float32(2**bits - 1)
    return scaled.round(out=scaled).astype(SAMPLE_TYPES[bits])


def to_opaque_planes(
    picture: Picture, channels: int, size: tuple[int, int] | None = None
) -> Samples:
    """Return a picture as networks are trained on it, in its own depth: `(channels, H, W)`.

    It is over white where it is clear; colours become their luma, BT.601's, where one channel is
    asked for. With a `size`, height and width, it is `resized`, in floating-point numbers.
    """
    planes = picture.planes
    if picture.alpha is not None:
        alpha = to_floats(picture.alpha)
        planes = to_depth(alpha * to_floats(planes) + (1 - alpha), 8 * planes.itemsize)
    if len(planes) != channels:
        planes = luma(planes) if channels == GREY else planes.repeat(COLOUR, 0)
    return planes if size is None else resize_planes(planes, *size)


def to_encoder_input(picture: Picture, shape: tuple[int, int, int], resize: bool) -> Floats:
    """Return a picture as a network sees it that takes images of one shape, `(C, H, W)`.

    Raises:
        WrongSize: it has another height and width, and is not to be resampled.
    """
    planes = to_opaque_planes(picture, shape[0], shape[1:] if resize else None)
    require_size(planes, shape)
    return to_floats(planes)


def require_size(planes: Samples, shape: tuple[int, ...]) -> None:
    """Raise `WrongSize` for an image that is not of the height and width of `shape`."""
    if planes.shape[1:] != shape[1:]:
        found, allowed = (f"{width}×{height}" for _, height, width in (planes.shape, shape))
        raise WrongSize(
            f"{found} pixels; this variant takes {allowed}: resize it, or give --resize (by HTTP, "
            "resize=true) to have the square in its middle resampled"
        )


def luma(planes: Samples) -> Samples:
    """Return the luma `(1, H, W)` of colours `(3, H, W)`, of as many bits."""
    brightness = np.tensordot(LUMA, planes.astype(np.float32, copy=False), 1)[None]
    if planes.dtype.kind == "u":
        brightness = np.floor(brightness + np.float32(0.5))
    return brightness.astype(planes.dtype, copy=False)


def resize_planes(planes: Samples, height: int, width: int) -> Samples:
    """Crop planes to the middle that is shaped so, and resample it, by Lanczos' filter.

    What has this size already is returned as it is; all else as floating-point numbers.
    """
    if planes.shape[1:] == (height, width):
        return planes
    resampled = [
        ImageOps.fit(Image.fromarray(to_floats(plane)), (width, height), Image.Resampling.LANCZOS)
        for plane in planes
    ]
    return np.stack([np.asarray(plane) for plane in resampled]).clip(0, 1)


def resize_picture(picture: Picture, height: int, width: int) -> Picture:
    """Return a picture whose planes and alpha are `resized`."""
    alpha = None if picture.alpha is None else resize_planes(picture.alpha, height, width)
    return replace(picture, planes=resize_planes(picture.planes, height, width), alpha=alpha)
