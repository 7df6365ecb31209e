"""Fully connected autoencoders: plain, and variational."""

from math import prod
from typing import TYPE_CHECKING, ClassVar

from autoencoders.keys import Count, ImageShape, Widths
from autoencoders.lazy import nn
from autoencoders.variants.models.base import ModelPlan

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder


class MlpAE(ModelPlan):
    """An autoencoder of linear layers; `hidden` are the encoder's widths, mirrored in the decoder.

    The encoder and decoder of Makhzani et al., arXiv 1511.05644, with [1000, 1000, 1000] and 150.
    """

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Count
    ) -> None:
        self.image_shape = image_shape
        self.latent_shape = (latent_size,)
        self.encoder_widths = [prod(input_shape), *hidden, latent_size]
        self.decoder_widths = [latent_size, *reversed(hidden), prod(image_shape)]

    def network(self) -> "Autoencoder":
        """Return linear layers with a ReLU between each two."""
        from autoencoders.variants.networks.base import Plain
        from autoencoders.variants.networks.mlp import Flattened, Unflattened

        return Plain(
            Flattened(self.encoder_widths),
            Unflattened(self.decoder_widths, self.image_shape),
            self.latent_shape,
        )


class MlpVAE(ModelPlan):
    """A variational autoencoder of linear layers (Kingma & Welling, arXiv 1312.6114, appendix C).

    The posterior is a diagonal Gaussian; two heads give its mean and the logarithm of its variance.
    """

    has_posterior: ClassVar[bool] = True

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Count
    ) -> None:
        self.image_shape = image_shape
        self.latent_shape = (latent_size,)
        self.encoder_widths = [prod(input_shape), *hidden]
        self.decoder_widths = [latent_size, *reversed(hidden), prod(image_shape)]

    def network(self) -> "Autoencoder":
        """Return linear layers, each with a ReLU but for the heads and the last."""
        from autoencoders.variants.networks.base import Gaussian
        from autoencoders.variants.networks.mlp import Flattened, Unflattened

        features, latent_size = self.encoder_widths[-1], self.latent_shape[0]
        return Gaussian(
            encoder=Flattened(self.encoder_widths, rectified=True),
            mean=nn.Linear(features, latent_size),
            log_variance=nn.Linear(features, latent_size),
            to_maps=nn.Identity(),
            decoder=Unflattened(self.decoder_widths, self.image_shape),
        )
