"""Application of grey and colour networks to grey and colour pictures."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from autoencoders.application.network import Network
from autoencoders.images.picture import (
    COLOUR,
    SAMPLE_TYPES,
    Floats,
    Picture,
    Samples,
    fill_transparent,
    luma,
    to_depth,
    to_floats,
)


def apply_network(
    network: Network, picture: Picture, by_luma: bool = False, compare: bool = False
) -> Picture:
    """Return a picture's output `(C, f·H, f·W)`, f = `network.factor`, with its transparency.

    A colour network receives a grey picture as three equal channels; the result is grey. A grey
    network processes a colour picture channel by channel. With `by_luma` it processes only the
    BT.601 luma (full range, as in JPEG and Pillow's YCbCr), and the chroma is kept or enlarged.

    The dpi grow by f. Transparent pixels are filled first, see `fill_transparent`. With `compare`,
    the picture is on the left and the output on the right, at the same size.

    Raises:
        UnusableImage: the network takes only images of one size, which the picture does not have.
    """
    picture = fill_transparent(picture)
    planes, bits, factor = picture.planes, picture.decoded_depth, network.factor
    alpha = None if picture.alpha is None else _enlarged(picture.alpha, factor, bits)
    exact = bits > 8
    if len(planes) == network.channels:
        output = network(planes, bits, exact)
    elif network.channels == COLOUR:
        output = to_depth(luma(network(planes.repeat(COLOUR, 0), exact=exact)), bits)
    else:
        output = np.empty(
            (COLOUR, *(factor * length for length in picture.size)), SAMPLE_TYPES[bits]
        )
        one_by_one = (network(channel[None], bits, exact) for channel in planes)
        channels = _by_luma(network, planes, bits) if by_luma else one_by_one
        for plane, channel in zip(output, channels, strict=True):
            plane[:] = channel[0]
    if compare:
        output = np.concatenate([_enlarged(planes, factor, bits), output], 2)
        alpha = None if alpha is None else np.concatenate([alpha, alpha], 2)
    return replace(picture, planes=output, alpha=alpha, dpi=picture.scaled_dpi(factor))


def _by_luma(network: Network, planes: Samples, bits: int) -> Iterator[Samples]:
    """Yield each channel `(1, f·H, f·W)`, with the luma replaced by a grey network's output."""
    old_luma = luma(to_floats(planes))
    new_luma = to_floats(network(old_luma, exact=bits > 8))
    for channel in planes:
        # The difference of a channel and the luma is linear in Cb and Cr alone.
        chroma = _lanczos(to_floats(channel) - old_luma[0], network.factor)
        chroma += new_luma  # in place, to save memory for large images
        yield to_depth(chroma.clip(0, 1, out=chroma), bits)


def _enlarged(planes: Samples, factor: int, bits: int) -> Samples:
    """Return planes `(C, H, W)` enlarged to `(C, f·H, f·W)`, with `bits` bits."""
    return np.concatenate(
        [to_depth(_lanczos(to_floats(plane), factor).clip(0, 1), bits) for plane in planes]
    )


def _lanczos(plane: Floats, factor: int) -> Floats:
    """Return a plane `(H, W)` enlarged to `(1, f·H, f·W)` with a Lanczos filter."""
    if factor == 1:
        return plane[None]
    height, width = plane.shape
    size = factor * width, factor * height
    return np.array(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS))[None]
