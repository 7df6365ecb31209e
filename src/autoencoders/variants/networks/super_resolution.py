"""Super-resolution that learns what an interpolation misses."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.variants.inputs import enlarge
from autoencoders.variants.networks.base import Autoencoder

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


class Enlargement(Autoencoder):
    """A small image's bicubic enlargement, and what a network adds to it.

    What is added is `decoder` of `encoder`'s features, times `gain`, which starts at 0: an
    untrained network is the enlargement, however its weights were drawn. The latent is the small
    image and its features, one after the other along the channels.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_shape: tuple[int, ...],
        channels: int,
        factor: int,
    ) -> None:
        super().__init__()
        self.latent_shape = latent_shape
        self.channels = channels  # of the image
        self.factor = factor
        self.encoder = encoder
        self.decoder = decoder
        self.gain = nn.Parameter(torch.zeros(1))

    def encode(self, seen: Tensor) -> Tensor:
        """Return `seen` `(N, *input_shape)` and its features, `(N, *latent_shape)`."""
        return torch.cat([seen, self.encoder(seen)], 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        small, features = latent[:, : self.channels], latent[:, self.channels :]
        image = enlarge(small, self.factor, "bicubic") + self.gain * self.decoder(features)
        return torch.logit(image, MARGIN)
