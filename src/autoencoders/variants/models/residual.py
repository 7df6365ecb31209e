"""Residual networks for denoising and super-resolution."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape
from autoencoders.variants.inputs import enlarge
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.refinement import ResidualBlock

MARGIN = 1e-3  # images are clamped to [MARGIN, 1 - MARGIN], where logits are finite


class Residual(Autoencoder):
    """A network that adds a learned residual to its input, enlarged to the image's size.

    The enlargement is bicubic, as in Dong et al., SRCNN, arXiv 1501.00092. If the input has the
    image's size, the network denoises, as in Zhang et al., DnCNN, arXiv 1608.03981.

    The encoder moves blocks of `unshuffle`×`unshuffle` pixels into channels (Zhang et al., FFDNet,
    arXiv 1710.04026). A 3×3 convolution and `blocks` residual blocks of `width` channels follow. A
    block has two 3×3 convolutions (Lim et al., EDSR, arXiv 1707.02921). With `depthwise`, it has a
    depthwise convolution of this size and two 1×1 ones (Liu et al., ConvNeXt, arXiv 2201.03545).
    The decoder is a sub-pixel convolution (Shi et al., ESPCN, arXiv 1609.05158).

    The residual is the decoder's output times `gain`. `gain` starts at 0, so an untrained network
    returns the enlarged input. The latent is the unshuffled input and its features, concatenated.

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
                f"model.unshuffle: found {unshuffle} for an input of {_format_shape(input_shape)}; "
                "allowed: a divisor of height and width"
            )
        self.unshuffle = unshuffle
        self.input_channels = channels * unshuffle**2  # after unshuffling
        self.latent_shape = (self.input_channels + width, rows // unshuffle, columns // unshuffle)
        self.encoder = nn.Sequential(
            nn.Conv2d(self.input_channels, width, 3, padding="same"),
            *(
                DepthwiseBlock(width, depthwise) if depthwise else ResidualBlock(width)
                for _ in range(blocks)
            ),
            nn.ReLU(),
        )
        scale = self.factor * unshuffle
        self.decoder = nn.Sequential(
            nn.Conv2d(width, channels * scale**2, 3, padding="same"), nn.PixelShuffle(scale)
        )
        self.gain = nn.Parameter(torch.zeros(1))

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the latent `(N, *latent_shape)` of `inputs` `(N, *input_shape)`."""
        coarse = F.pixel_unshuffle(inputs, self.unshuffle)
        return torch.cat([coarse, self.encoder(coarse)], 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        coarse, features = latent[:, : self.input_channels], latent[:, self.input_channels :]
        image = F.pixel_shuffle(coarse, self.unshuffle)
        if self.factor > 1:
            image = enlarge(image, self.factor, "bicubic")
        return torch.logit(image + self.gain * self.decoder(features), MARGIN)


class DepthwiseBlock(nn.Module):
    """A depthwise `side`×`side` and two 1×1 convolutions, added to the block's input.

    A ReLU is between the 1×1 convolutions. Unlike in ConvNeXt (Liu et al., arXiv 2201.03545, figure
    4), the hidden layer has 2·width channels instead of 4·width, and there is no normalisation.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(width, width, side, padding="same", groups=width)
        self.first = nn.Conv2d(width, 2 * width, 1)
        self.second = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps `(N, width, H, W)`, the shape of `x`."""
        return x + self.second(F.relu(self.first(self.around(x))))


def _factor(input_shape: ImageShape, image_shape: ImageShape) -> int:
    """Return the image's height divided by the input's."""
    factor = image_shape[1] // input_shape[1]
    channels, height, width = input_shape
    if factor < 1 or image_shape != (channels, factor * height, factor * width):
        raise ValueError(
            f"model: found residual for an input of {_format_shape(input_shape)} and an image of "
            f"{_format_shape(image_shape)}; allowed: the same channels, and an image 1, 2, 3, … "
            "times as high and wide as the input"
        )
    return factor


def _format_shape(shape: ImageShape) -> str:
    return "×".join(map(str, shape))
