"""Grey and colour images through grey and colour networks."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from autoencoders.application.network import Network
from autoencoders.images.picture import (
    COLOUR,
    SAMPLE_TYPES,
    Floats,
    Picture,
    Samples,
    luma,
    to_depth,
    to_floats,
)


def apply_network(
    network: Network, picture: Picture, by_luma: bool = False, compare: bool = False
) -> Picture:
    """Return what a network makes of a picture of whatever channels; transparency stays.

    Grey images go through a colour network as three equal channels, and come out grey. Colour
    images go through a grey one channel by channel; or, `by_luma`, their BT.601 luma alone, and
    the chroma stays as it is (full range, as JPEG and Pillow's YCbCr have it).

    To `compare`, the picture stands to the left of what is made of it, at the same size.

    Raises:
        UnusableImage: the network takes images of one size alone, and not of this one.
    """
    planes, bits, factor = picture.planes, picture.decoded_depth, network.factor
    alpha = None if picture.alpha is None else _enlarged(picture.alpha, factor, bits)
    network = replace(network, bfloat16=network.bfloat16 and bits == 8)
    if len(planes) == network.channels:
        made = network(planes, bits)
    elif network.channels == COLOUR:
        made = to_depth(luma(network(planes.repeat(COLOUR, 0))), bits)
    else:
        made = np.empty((COLOUR, *(factor * length for length in picture.size)), SAMPLE_TYPES[bits])
        each = (network(channel[None], bits) for channel in planes)
        channels = _by_luma(network, planes, bits) if by_luma else each
        for plane, channel in zip(made, channels, strict=True):
            plane[:] = channel[0]
    if compare:
        made = np.concatenate([_enlarged(planes, factor, bits), made], 2)
        alpha = None if alpha is None else np.concatenate([alpha, alpha], 2)
    return replace(picture, planes=made, alpha=alpha)


def _by_luma(network: Network, planes: Samples, bits: int) -> Iterator[Samples]:
    """Yield each channel `(1, H, W)` with the luma that a grey network makes of the colours'."""
    brightness = luma(to_floats(planes))
    made = to_floats(network(brightness))
    for channel in planes:
        # What is left is linear in Cb and Cr, and nothing else.
        chroma = _interpolated(to_floats(channel[None]) - brightness, network.factor)
        chroma += made  # in its place, as each of them may be a large image
        yield to_depth(chroma.clip(0, 1, out=chroma), bits)


def _enlarged(part: Samples, factor: int, bits: int) -> Samples:
    """Return samples of so many bits by bicubic interpolation, which may leave [0, 1]."""
    return np.concatenate(
        [to_depth(_interpolated(to_floats(plane[None]), factor).clip(0, 1), bits) for plane in part]
    )


def _interpolated(planes: Floats, factor: int) -> Floats:
    if factor == 1:
        return planes
    images = torch.from_numpy(planes)[None]
    large = F.interpolate(images, scale_factor=factor, mode="bicubic", align_corners=False)
    values: Floats = large[0].numpy()
    return values
