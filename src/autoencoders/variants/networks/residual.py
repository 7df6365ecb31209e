"""Restoration that learns what noise hides, or an interpolation misses."""

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


class Residue(Autoencoder):
    """What is seen at the image's size, enlarged by bicubic interpolation, and what is added to it.

    What is added is `decoder` of `encoder`'s features, times `gain`, which starts at 0: an
    untrained network is the enlargement, however its weights were drawn. The latent is the seen
    image, `unshuffle`×`unshuffle` of its pixels in one, and its features, one after the other along
    the channels.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_shape: tuple[int, ...],
        channels: int,
        factor: int,
        unshuffle: int,
    ) -> None:
        super().__init__()
        self.latent_shape = latent_shape
        self.seen_channels = channels * unshuffle**2  # of the latent
        self.factor = factor
        self.unshuffle = unshuffle
        self.encoder = encoder
        self.decoder = decoder
        self.gain = nn.Parameter(torch.zeros(1))

    def encode(self, seen: Tensor) -> Tensor:
        """Return `seen` `(N, *input_shape)` and its features, `(N, *latent_shape)`."""
        coarse = F.pixel_unshuffle(seen, self.unshuffle)
        return torch.cat([coarse, self.encoder(coarse)], 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        coarse, features = latent[:, : self.seen_channels], latent[:, self.seen_channels :]
        image = F.pixel_shuffle(coarse, self.unshuffle)
        if self.factor > 1:
            image = enlarge(image, self.factor, "bicubic")
        return torch.logit(image + self.gain * self.decoder(features), MARGIN)
