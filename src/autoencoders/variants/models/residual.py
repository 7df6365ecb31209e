"""Restoration that learns what noise hides, or an interpolation misses."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape
from autoencoders.variants.inputs import enlarge
from autoencoders.variants.models.base import Autoencoder

MARGIN = 1e-3  # how near to 0 and 1 an image comes, so that it has logits


class Residual(Autoencoder):
    """A network that adds a learned residual to its input, enlarged to the image's size.

    The enlargement is bicubic, as in Dong et al., SRCNN, arXiv 1501.00092. Where the input has the
    image's size, the network denoises, as in Zhang et al., DnCNN, arXiv 1608.03981.

    The encoder moves blocks of `unshuffle`×`unshuffle` pixels into channels (Zhang et al., FFDNet,
    arXiv 1710.04026). A 3×3 convolution and `blocks` residual blocks of `width` channels follow. A
    block has two 3×3 convolutions (Lim et al., EDSR, arXiv 1707.02921). With `depthwise`, which is
    the kernel's side, it has a depthwise and two 1×1 convolutions (Liu et al., ConvNeXt, arXiv
    2201.03545): a larger receptive field for less computation. The decoder is a sub-pixel
    convolution (Shi et al., ESPCN, arXiv 1609.05158).

    The residual is `decoder` of `encoder`'s features, times `gain`. `gain` starts at 0, so that an
    untrained network returns the enlarged input for any weights. The latent concatenates the
    unshuffled input and its features along the channels.

    Raises:
        ValueError: the image's height and width are not the same whole multiple of the input's, or
            the channels differ; or the input's height or width is no multiple of `unshuffle`.
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
        super().__init__()
        self.factor = _factor(input_shape, image_shape)
        channels, rows, columns = input_shape
        if rows % unshuffle or columns % unshuffle:
            raise ValueError(
                f"an input of {_say(input_shape)} cannot be unshuffled by {unshuffle}: height and "
                "width must be multiples of it"
            )
        self.unshuffle = unshuffle
        self.input_channels = channels * unshuffle**2  # of the latent
        self.latent_shape = (self.input_channels + width, rows // unshuffle, columns // unshuffle)
        self.encoder = nn.Sequential(
            nn.Conv2d(self.input_channels, width, 3, padding="same"),
            *(
                DepthwiseBlock(width, depthwise) if depthwise else ResidualBlock(width)
                for _ in range(blocks)
            ),
            nn.ReLU(),
        )
        finer = self.factor * unshuffle
        self.decoder = nn.Sequential(
            nn.Conv2d(width, channels * finer**2, 3, padding="same"), nn.PixelShuffle(finer)
        )
        self.gain = nn.Parameter(torch.zeros(1))

    def encode(self, inputs: Tensor) -> Tensor:
        """Return `inputs` `(N, *input_shape)` and its features, `(N, *latent_shape)`."""
        coarse = F.pixel_unshuffle(inputs, self.unshuffle)
        return torch.cat([coarse, self.encoder(coarse)], 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        coarse, features = latent[:, : self.input_channels], latent[:, self.input_channels :]
        image = F.pixel_shuffle(coarse, self.unshuffle)
        if self.factor > 1:
            image = enlarge(image, self.factor, "bicubic")
        return torch.logit(image + self.gain * self.decoder(features), MARGIN)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions, a ReLU between, added to what they are given.

    Without batch norm (Lim et al., arXiv 1707.02921, figure 2c).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding="same")
        self.second = nn.Conv2d(width, width, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same shape."""
        return x + self.second(F.relu(self.first(x)))


class DepthwiseBlock(nn.Module):
    """A depthwise `side`×`side` convolution, then two of 1×1 around a ReLU, added to the input.

    As in ConvNeXt (Liu et al., arXiv 2201.03545, figure 4), but half as wide between the two, and
    without norm.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(width, width, side, padding="same", groups=width)
        self.first = nn.Conv2d(width, 2 * width, 1)
        self.second = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same shape."""
        return x + self.second(F.relu(self.first(self.around(x))))


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
