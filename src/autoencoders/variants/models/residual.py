"""Restoration on features of the seen image's size, or a fraction of it."""

from typing import TYPE_CHECKING, ClassVar

from autoencoders.keys import Count, ImageShape
from autoencoders.lazy import nn
from autoencoders.variants.models.base import ModelPlan

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder


class Residual(ModelPlan):
    """What is seen, enlarged by bicubic interpolation to the image's size, and what a network adds.

    The network looks at the seen image with `unshuffle`×`unshuffle` pixels made channels of one
    (Zhang et al., FFDNet, arXiv 1710.04026): a 3×3 convolution and `blocks` residual blocks of
    `width` channels, of two 3×3 convolutions (Lim et al., EDSR, arXiv 1707.02921) or, with
    `depthwise` the side of its kernels, of a depthwise one and two of 1×1 (Liu et al., ConvNeXt,
    arXiv 2201.03545), which see further for less work. A sub-pixel convolution makes them an image
    (Shi et al., ESPCN, arXiv 1609.05158), which is added to what was seen (Zhang et al., DnCNN,
    arXiv 1608.03981) or its enlargement (Dong et al., SRCNN, arXiv 1501.00092).

    Raises:
        ValueError: the image is not one or more whole times as high and wide as the input, with
            as many channels; or the input's height or width is no multiple of `unshuffle`.
    """

    latent_holds_input: ClassVar[bool] = True

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        width: Count,
        blocks: Count,
        unshuffle: Count = 1,
        depthwise: Count | None = None,
    ) -> None:
        self.factor = _factor(input_shape, image_shape)
        self.channels, height, length = input_shape
        if height % unshuffle or length % unshuffle:
            raise ValueError(
                f"an input of {_say(input_shape)} cannot be unshuffled by {unshuffle}: height and "
                "width must be multiples of it"
            )
        self.unshuffle = unshuffle
        channels = self.channels * unshuffle**2 + width
        self.latent_shape = (channels, height // unshuffle, length // unshuffle)
        self.width = width
        self.blocks = blocks
        self.depthwise = depthwise

    def network(self) -> "Autoencoder":
        """Return residual blocks and a sub-pixel convolution beside the enlargement."""
        from autoencoders.variants.networks.residual import DepthwiseBlock, ResidualBlock, Residue

        def block() -> nn.Module:
            if self.depthwise is None:
                return ResidualBlock(self.width)
            return DepthwiseBlock(self.width, self.depthwise)

        encoder = nn.Sequential(
            nn.Conv2d(self.channels * self.unshuffle**2, self.width, 3, padding="same"),
            *(block() for _ in range(self.blocks)),
            nn.ReLU(),
        )
        finer = self.factor * self.unshuffle
        decoder = nn.Sequential(
            nn.Conv2d(self.width, self.channels * finer**2, 3, padding="same"),
            nn.PixelShuffle(finer),
        )
        return Residue(
            encoder, decoder, self.latent_shape, self.channels, self.factor, self.unshuffle
        )


def _factor(input_shape: ImageShape, image_shape: ImageShape) -> int:
    """Return how many times as large the image is as the input."""
    factor = image_shape[1] // input_shape[1]
    channels, height, width = input_shape
    if factor < 1 or image_shape != (channels, factor * height, factor * width):
        raise ValueError(
            f"the residual model keeps the size or enlarges 2, 3, … times, and from "
            f"{_say(input_shape)} to {_say(image_shape)} is no such step"
        )
    return factor


def _say(shape: ImageShape) -> str:
    return "×".join(map(str, shape))
