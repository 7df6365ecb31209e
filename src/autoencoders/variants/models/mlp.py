"""Fully connected autoencoders: plain, and variational."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape, Widths
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder


class MlpAE(Autoencoder):
    """An autoencoder of linear layers; `hidden` are the encoder's widths, mirrored in the decoder.

    The encoder and decoder of Makhzani et al., arXiv 1511.05644, with [1000, 1000, 1000] and 150.
    """

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Count
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        self.encoder = Flattened(*linear_layers([prod(input_shape), *hidden, latent_size]))
        self.decoder = linear_decoder([latent_size, *reversed(hidden)], image_shape)


class MlpVAE(VariationalAutoencoder):
    """A variational autoencoder of linear layers (Kingma & Welling, arXiv 1312.6114, appendix C).

    The posterior is a diagonal Gaussian; two heads give its mean and the logarithm of its variance.
    """

    def __init__(
        self, input_shape: ImageShape, image_shape: ImageShape, hidden: Widths, latent_size: Count
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        self.encoder = Flattened(*linear_layers([prod(input_shape), *hidden]), nn.ReLU())
        self.mean = nn.Linear(hidden[-1], latent_size)
        self.log_variance = nn.Linear(hidden[-1], latent_size)
        self.decoder = linear_decoder([latent_size, *reversed(hidden)], image_shape)


class Flattened(nn.Sequential):
    """Layers that take images `(N, C, H, W)` as vectors `(N, C·H·W)`."""

    def forward(self, images: Tensor) -> Tensor:
        """Return what the last layer makes of them."""
        vectors: Tensor = super().forward(images.flatten(1))  # type: ignore[no-untyped-call]
        return vectors


def linear_decoder(widths: list[int], image_shape: ImageShape) -> nn.Sequential:
    """Return linear layers between `widths`, and one to logits `(N, *image_shape)`."""
    return nn.Sequential(*linear_layers([*widths, prod(image_shape)]), nn.Unflatten(1, image_shape))


def linear_layers(widths: list[int]) -> list[nn.Module]:
    """Return linear layers between `widths` with a ReLU between each two."""
    linear: list[nn.Module] = []
    for a, b in pairwise(widths):
        linear += [nn.Linear(a, b), nn.ReLU()]
    return linear[:-1]
