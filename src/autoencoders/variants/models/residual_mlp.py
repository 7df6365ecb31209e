"""A variational autoencoder of fully connected residual blocks."""

from math import prod

import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape
from autoencoders.variants.models.base import VariationalAutoencoder
from autoencoders.variants.models.mlp import Flattened
from autoencoders.variants.models.refinement import refinement


class ResidualVAE(VariationalAutoencoder):
    """A VAE whose encoder and decoder are `blocks` residual blocks of `width` units.

    A linear layer before the blocks changes the number of units to `width`. A `refinement` with
    `channels` channels and one block corrects the decoder's logits.

    Raises:
        ValueError: the image's height or width is not even.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        width: Count,
        blocks: Count,
        latent_size: Count,
        channels: Count = 16,
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        self.encoder = Flattened(
            nn.Linear(prod(input_shape), width),
            *(LinearBlock(width) for _ in range(blocks)),
            nn.LayerNorm(width),
        )
        self.mean = nn.Linear(width, latent_size)
        self.log_variance = nn.Linear(width, latent_size)
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, width),
            *(LinearBlock(width) for _ in range(blocks)),
            nn.GELU(),
            nn.Linear(width, prod(image_shape)),
            nn.Unflatten(1, image_shape),
            refinement(image_shape, channels, blocks=1),
        )


class LinearBlock(nn.Module):
    """Two linear layers with a GELU between them, added to the block's input.

    The input is normalised first (Xiong et al., arXiv 2002.04745, figure 1b). GELU: Hendrycks &
    Gimpel, arXiv 1606.08415.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors `(N, width)` for vectors `(N, width)`."""
        return x + self.second(F.gelu(self.first(self.norm(x))))
