"""Super-resolution on features of the small image's size."""

from typing import TYPE_CHECKING, ClassVar

from autoencoders.keys import Count, ImageShape
from autoencoders.lazy import nn
from autoencoders.variants.models.base import ModelPlan

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder


class SuperResolution(ModelPlan):
    """A small image's bicubic enlargement, and what a network adds to it (EDSR, ESPCN, SRCNN).

    All features have the size of the small image: a 3×3 convolution and `blocks` residual blocks
    of `width` channels (Lim et al., arXiv 1707.02921). A sub-pixel convolution makes them an image
    (Shi et al., arXiv 1609.05158). It is added to the bicubic enlargement (Dong et al., arXiv
    1501.00092, start from one).

    Raises:
        ValueError: the image is not two or more whole times as high and wide as the input, with
            as many channels.
    """

    latent_holds_input: ClassVar[bool] = True

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, width: Count, blocks: Count
    ) -> None:
        self.factor = _factor(input_shape, image_shape)
        self.channels, *size = input_shape
        self.latent_shape = (self.channels + width, *size)
        self.width = width
        self.blocks = blocks

    def network(self) -> "Autoencoder":
        """Return residual blocks and a sub-pixel convolution beside the enlargement."""
        from autoencoders.variants.networks.super_resolution import Enlargement, ResidualBlock

        encoder = nn.Sequential(
            nn.Conv2d(self.channels, self.width, 3, padding="same"),
            *(ResidualBlock(self.width) for _ in range(self.blocks)),
            nn.ReLU(),
        )
        decoder = nn.Sequential(
            nn.Conv2d(self.width, self.channels * self.factor**2, 3, padding="same"),
            nn.PixelShuffle(self.factor),
        )
        return Enlargement(encoder, decoder, self.latent_shape, self.channels, self.factor)


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
