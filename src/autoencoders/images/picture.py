"""Images with depth, transparency and colour profile, and conversions of their samples."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Floats: TypeAlias = npt.NDArray[np.float32]
Number: TypeAlias = np.uint8 | np.uint16 | np.float32
# Floats in [0, 1], or integers whose largest value stands for 1.
Samples: TypeAlias = npt.NDArray[Number]

Resolution: TypeAlias = tuple[float, float] | None  # pixels per inch, horizontal and vertical

SAMPLE_TYPES: dict[int, type[Number]] = {8: np.uint8, 16: np.uint16, 32: np.float32}  # by bits
CHANNELS = GREY, COLOUR = 1, 3
# The weights of BT.601 in 16 bits, as in Pillow: sums over bytes are exact in float32.
LUMA = np.array([19595, 38470, 7471], np.float32) / 2**16


class UnusableImage(Exception):  # noqa: N818 - callers decide whether it is an error
    """A file that cannot be read or written as an image; the message gives the reason."""


class TooLarge(UnusableImage):
    """A file with too many bytes or pixels."""


class WrongSize(UnusableImage):
    """An image whose size differs from the required size; resampling it is possible."""


@dataclass(frozen=True)
class Picture:
    """An upright image.

    Samples keep the type of their file, because float32 takes four times the memory of bytes.
    `to_floats` converts a part of them.

    Attributes:
        planes: grey or RGB, `(C, H, W)`.
        alpha: `(1, H, W)`; None for an opaque image.
        depth: bits per channel in the file: 8, 16, or 32 for floating-point numbers.
        profile: the ICC profile.
        has_more: whether the file contains more frames.
        format: Pillow's name of the file format.
        dpi: the resolution; None if the file does not have it.
    """

    planes: Samples
    alpha: Samples | None = None
    depth: int = 8
    profile: bytes | None = None
    has_more: bool = False
    format: str | None = None
    dpi: Resolution = None

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.planes.shape[1], self.planes.shape[2]

    def scaled_dpi(self, factor: float) -> Resolution:
        """Return the pixels per inch with `factor` times as many pixels on the same paper."""
        return None if self.dpi is None else (factor * self.dpi[0], factor * self.dpi[1])

    @property
    def decoded_depth(self) -> int:
        """Return how many of the file's bits per channel were decoded: at most `depth`."""
        return min(self.depth, 8 * self.planes.itemsize)


def to_floats(values: Samples) -> Floats:
    """Return samples of any shape as float32 in [0, 1]."""
    numbers = values.astype(np.float32, copy=False)
    if values.dtype.kind == "u":
        numbers /= 2 ** (8 * values.itemsize) - 1
    return numbers


def to_depth(values: Samples, bits: int) -> Samples:
    """Return samples of any shape with `bits` 8 or 16 (rounded integers) or 32 (floats)."""
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
    """Return a picture's opaque planes `(channels, H, W)`, as in training sets, in its own depth.

    Transparent pixels are blended with white. For one channel, colours are converted to the luma
    of BT.601. If `size` (height, width) is given, the planes are resized by `resize_planes`.
    """
    planes = picture.planes
    if picture.alpha is not None:
        alpha = to_floats(picture.alpha)
        planes = to_depth(alpha * to_floats(planes) + (1 - alpha), 8 * planes.itemsize)
    if len(planes) != channels:
        planes = luma(planes) if channels == GREY else planes.repeat(COLOUR, 0)
    return planes if size is None else resize_planes(planes, *size)


def to_encoder_input(picture: Picture, shape: tuple[int, int, int], resize: bool) -> Floats:
    """Return a picture as the encoder input `(C, H, W)` of a network with this input shape.

    Raises:
        WrongSize: the picture has another height or width, and `resize` is false.
    """
    planes = to_opaque_planes(picture, shape[0], shape[1:] if resize else None)
    require_size(planes, shape)
    return to_floats(planes)


def require_size(planes: Samples, shape: tuple[int, ...]) -> None:
    """Raise `WrongSize` if planes `(C, H, W)` differ from `shape`, `(C, H, W)`, in size."""
    if planes.shape[1:] != shape[1:]:
        found, allowed = (f"{width}×{height}" for _, height, width in (planes.shape, shape))
        raise WrongSize(
            f"{found} pixels; this variant takes {allowed}; resize it, or give --resize (HTTP: "
            "resize=true) to crop the centre and resample it"
        )


def luma(planes: Samples) -> Samples:
    """Return the BT.601 luma `(1, H, W)` of colours `(3, H, W)`, with the same sample type."""
    brightness = np.tensordot(LUMA, planes.astype(np.float32, copy=False), 1)[None]
    if planes.dtype.kind == "u":
        brightness = np.floor(brightness + np.float32(0.5))
    return brightness.astype(planes.dtype, copy=False)


def resize_planes(planes: Samples, height: int, width: int) -> Samples:
    """Crop planes `(C, H, W)` around the centre to the new aspect ratio, and resample them.

    The filter is Lanczos. Planes of the right size are returned unchanged; all others are float32.
    """
    if planes.shape[1:] == (height, width):
        return planes
    resampled = [
        ImageOps.fit(Image.fromarray(to_floats(plane)), (width, height), Image.Resampling.LANCZOS)
        for plane in planes
    ]
    return np.stack([np.asarray(plane) for plane in resampled]).clip(0, 1)


def fill_transparent(picture: Picture) -> Picture:
    """Return a picture whose transparent pixels have the colour of the nearest visible one.

    Networks and filters would mix their arbitrary colours into the visible pixels. Partly
    transparent pixels keep their colours.
    """
    if picture.alpha is None:
        return picture
    hidden = picture.alpha[0] == 0
    if hidden.all() or not hidden.any():
        return picture
    from scipy import ndimage  # slow to import, and most images are opaque

    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    planes = picture.planes.copy()
    planes[:, hidden] = planes[:, nearest[0][hidden], nearest[1][hidden]]
    return replace(picture, planes=planes)


def resize_picture(picture: Picture, height: int, width: int) -> Picture:
    """Return a picture with planes and alpha resized by `resize_planes`, and the dpi like them."""
    if picture.size == (height, width):
        return picture
    picture = fill_transparent(picture)
    planes = resize_planes(picture.planes, height, width)
    alpha = None if picture.alpha is None else resize_planes(picture.alpha, height, width)
    factor = max(height / picture.size[0], width / picture.size[1])
    return replace(picture, planes=planes, alpha=alpha, dpi=picture.scaled_dpi(factor))
