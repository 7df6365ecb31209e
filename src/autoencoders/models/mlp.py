"""Fully connected autoencoders: plain, and variational."""

from itertools import pairwise
from math import prod
from typing import Annotated

from annotated_types import Gt, MinLen
from torch import Tensor, nn

from autoencoders.inputs import ImageShape
from autoencoders.models.base import Autoencoder, VariationalAutoencoder

Widths = Annotated[list[Annotated[int, Gt(0)]], MinLen(1)]
Size = Annotated[int, Gt(0)]


def mlp(widths: list[int]) -> nn.Sequential:
    """Return linear layers between `widths` with a ReLU between each two."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class MlpAE(Autoencoder):
    """An autoencoder of linear layers; `hidden` are the encoder's widths, mirrored in the decoder.

    The encoder and decoder of Makhzani et al., arXiv 1511.05644, with [1000, 1000, 1000] and 150.
    """

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Size
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.latent_shape = (latent_size,)
        self.encoder = mlp([prod(input_shape), *hidden, latent_size])
        self.decoder = mlp([latent_size, *reversed(hidden), prod(image_shape)])

    def encode(self, seen: Tensor) -> Tensor:
        """Return the latent `(N, latent_size)` of `seen` `(N, *input_shape)`."""
        return self.encoder(seen.flatten(1))

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        return self.decoder(latent).unflatten(1, self.image_shape)


class MlpVAE(VariationalAutoencoder):
    """A variational autoencoder of linear layers (Kingma & Welling, arXiv 1312.6114, appendix C).

    The posterior is a diagonal Gaussian; two heads give its mean and the logarithm of its variance.
    """

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Size
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.latent_shape = (latent_size,)
        self.encoder = nn.Sequential(*mlp([prod(input_shape), *hidden]), nn.ReLU())
        self.mean = nn.Linear(hidden[-1], latent_size)
        self.log_variance = nn.Linear(hidden[-1], latent_size)
        self.decoder = mlp([latent_size, *reversed(hidden), prod(image_shape)])

    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each `(N, latent_size)`."""
        features = self.encoder(seen.flatten(1))
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        return self.decoder(latent).unflatten(1, self.image_shape)
