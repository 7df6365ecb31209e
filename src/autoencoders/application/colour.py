"""Grey and colour images through grey and colour networks."""

from dataclasses import replace

import numpy as np

from autoencoders.application.network import Network
from autoencoders.application.picture import COLOUR, Floats, Picture
from autoencoders.evaluation.image_quality import LUMA
from autoencoders.lazy import F, torch


def through(network: Network, picture: Picture, luma: bool = False) -> Picture:
    """Return what a network makes of a picture of whatever channels; transparency stays.

    Grey images go through a colour network as three equal channels, and come out grey. Colour
    images go through a grey one channel by channel; or, by `luma`, their BT.601 luma alone, and
    the chroma stays as it is (full range, as JPEG and Pillow's YCbCr have it).

    Raises:
        Unfit: the network takes images of one size alone, and not of this one.
    """
    planes = picture.planes
    if len(planes) == network.channels:
        made = network(planes)
    elif network.channels == COLOUR:
        made = grey(network(planes.repeat(COLOUR, 0)))
    elif luma:
        brightness = grey(planes)
        # What is left is linear in Cb and Cr, and nothing else.
        made = _interpolated(planes - brightness, network.factor)
        made += network(brightness)
        np.clip(made, 0, 1, out=made)
    else:
        made = np.empty((COLOUR, *(network.factor * length for length in picture.size)), np.float32)
        for plane, channel in zip(made, planes, strict=True):
            plane[:] = network(channel[None])[0]
    alpha = None if picture.alpha is None else _enlarged(picture.alpha, network.factor)
    return replace(picture, planes=made, alpha=alpha)


def matched(picture: Picture, channels: int) -> Floats:
    """Return a picture as datasets have it: of so many channels, over white where it is clear."""
    planes = picture.planes
    if picture.alpha is not None:
        planes = picture.alpha * planes + (1 - picture.alpha)
    if len(planes) == channels:
        return planes
    return grey(planes) if len(planes) == COLOUR else planes.repeat(COLOUR, 0)


def grey(planes: Floats) -> Floats:
    """Return the luma `(1, H, W)` of colours `(3, H, W)`."""
    return np.tensordot(np.array(LUMA, np.float32), planes, 1)[None]


def side_by_side(before: Picture, after: Picture) -> Picture:
    """Return a picture, at the size of what was made of it, and that to the right of it."""
    factor = after.size[0] // before.size[0]
    planes = np.concatenate([_enlarged(before.planes, factor), after.planes], 2)
    alpha = None
    if before.alpha is not None and after.alpha is not None:
        alpha = np.concatenate([_enlarged(before.alpha, factor), after.alpha], 2)
    return replace(after, planes=planes, alpha=alpha)


def _enlarged(planes: Floats, factor: int) -> Floats:
    """Return values in [0, 1] by bicubic interpolation, which may leave that."""
    return _interpolated(planes, factor).clip(0, 1)


def _interpolated(planes: Floats, factor: int) -> Floats:
    if factor == 1:
        return planes
    images = torch.from_numpy(planes)[None]
    large = F.interpolate(images, scale_factor=factor, mode="bicubic", align_corners=False)
    values: Floats = large[0].numpy()
    return values
