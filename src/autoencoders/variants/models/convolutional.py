"""Convolutional autoencoders: plain, and variational."""

from math import prod
from typing import TYPE_CHECKING, ClassVar

from autoencoders.keys import Count, ImageShape, Upsampling, Widths
from autoencoders.lazy import nn
from autoencoders.variants.models.base import ModelPlan

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder


class ConvAE(ModelPlan):
    """A convolutional autoencoder; its latent is a stack of small feature maps.

    With input and image of 1×28×28, `encoder_channels` [16, 8, 8] and `decoder_channels`
    [8, 8, 16] the sizes go 28 → 14 → 7 → 4 → 8 → 16 → 14 → 28. A smaller input with fewer
    encoder channels makes it a super-resolution autoencoder: 14 → 7 → 4 → … → 28.

    Raises:
        ValueError: the decoder's doublings do not reach the image's size.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        upsampling: Upsampling = "nearest",
    ) -> None:
        self.encoder_widths = [input_shape[0], *encoder_channels]
        self.latent_shape = maps = pooled_shape(input_shape, encoder_channels)
        require_reach(maps, image_shape, decoder_channels)
        self.decoder_arguments = (maps, image_shape, decoder_channels, upsampling)

    def network(self) -> "Autoencoder":
        """Return convolutions and poolings, then convolutions and doublings."""
        from autoencoders.variants.networks.base import Plain
        from autoencoders.variants.networks.convolutional import ConvDecoder, ConvEncoder

        return Plain(
            ConvEncoder(self.encoder_widths),
            ConvDecoder(*self.decoder_arguments),
            self.latent_shape,
        )


class ConvVAE(ModelPlan):
    """A convolutional variational autoencoder; its latent is a vector.

    The parts of `ConvAE`, and between them linear layers: two from the encoder's feature maps to
    the mean and the log-variance of a diagonal Gaussian, one from the latent to feature maps of
    the same shape.

    Raises:
        ValueError: the decoder's doublings do not reach the image's size.
    """

    has_posterior: ClassVar[bool] = True

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        latent_size: Count,
        upsampling: Upsampling = "nearest",
    ) -> None:
        self.encoder_widths = [input_shape[0], *encoder_channels]
        self.latent_shape = (latent_size,)
        self.maps_shape = pooled_shape(input_shape, encoder_channels)
        require_reach(self.maps_shape, image_shape, decoder_channels)
        self.decoder_arguments = (self.maps_shape, image_shape, decoder_channels, upsampling)

    def network(self) -> "Autoencoder":
        """Return convolutions around linear layers."""
        from autoencoders.variants.networks.base import Gaussian
        from autoencoders.variants.networks.convolutional import ConvDecoder, ConvEncoder, ToMaps

        features, latent_size = prod(self.maps_shape), self.latent_shape[0]
        return Gaussian(
            encoder=ConvEncoder(self.encoder_widths),
            mean=nn.Linear(features, latent_size),
            log_variance=nn.Linear(features, latent_size),
            to_maps=ToMaps(latent_size, self.maps_shape),
            decoder=ConvDecoder(*self.decoder_arguments),
        )


def pooled_shape(image_shape: ImageShape, channels: list[int]) -> ImageShape:
    """Return the shape of the last of `pooled_maps`: each pool makes a size s to ⌈s/2⌉."""
    scale = 2 ** len(channels)
    return channels[-1], -(-image_shape[1] // scale), -(-image_shape[2] // scale)


def require_reach(maps: ImageShape, image_shape: ImageShape, channels: list[int]) -> None:
    """Raise a `ValueError` where one doubling for each of `channels` leaves `maps` too small."""
    _, height, width = image_shape
    scale = 2 ** len(channels)
    if maps[1] * scale < height or maps[2] * scale < width:
        raise ValueError(
            f"{len(channels)} doublings of {maps[1]}×{maps[2]} do not reach "
            f"{height}×{width}: give decoder_channels more entries"
        )
