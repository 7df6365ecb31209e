"""Super-resolution that learns what an interpolation misses."""

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor, nn

from autoencoders.inputs import ImageShape, enlarge
from autoencoders.models.base import Autoencoder

Size = Annotated[int, Gt(0)]

MARGIN = 1e-3  # how near to 0 and 1 an image comes, so that it has logits


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


class SuperResolution(Autoencoder):
    """A small image's bicubic enlargement, and what a network adds to it (EDSR, ESPCN, SRCNN).

    All features have the size of the small image: a 3×3 convolution and `blocks` residual blocks
    of `width` channels (Lim et al., arXiv 1707.02921). A sub-pixel convolution makes them an image
    (Shi et al., arXiv 1609.05158). It is added to the bicubic enlargement (Dong et al., arXiv
    1501.00092, start from one) times `gain`, which starts at 0: an untrained network is the
    enlargement, however its weights were drawn.

    The latent is the small image and its features, one after the other along the channels.

    Raises:
        ValueError: the image is not two or more whole times as high and wide as the input, with
            as many channels.
    """

    latent_holds_input: ClassVar[bool] = True

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, width: Size, blocks: Size
    ) -> None:
        super().__init__()
        self.factor = _factor(input_shape, image_shape)
        channels, *size = input_shape
        self.channels = channels
        self.latent_shape = (channels + width, *size)
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding="same"),
            *(ResidualBlock(width) for _ in range(blocks)),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(width, channels * self.factor**2, 3, padding="same"),
            nn.PixelShuffle(self.factor),
        )
        self.gain = nn.Parameter(torch.zeros(1))

    def encode(self, seen: Tensor) -> Tensor:
        """Return `seen` `(N, *input_shape)` and its features, `(N, *latent_shape)`."""
        return torch.cat([seen, self.encoder(seen)], 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        small, features = latent[:, : self.channels], latent[:, self.channels :]
        image = enlarge(small, self.factor, "bicubic") + self.gain * self.decoder(features)
        return torch.logit(image, MARGIN)


def _factor(input_shape: ImageShape, image_shape: ImageShape) -> int:
    """Return how many times as large the image is as the input."""
    factor = image_shape[1] // input_shape[1]
    channels, height, width = input_shape
    if factor < 2 or image_shape != (channels, factor * height, factor * width):
        raise ValueError(
            f"the super-resolution model enlarges 2, 3, … times, and from {_say(input_shape)} "
            f"to {_say(image_shape)} is no such step: give it a downsampled input"
        )
    return factor


def _say(shape: ImageShape) -> str:
    return "×".join(map(str, shape))
