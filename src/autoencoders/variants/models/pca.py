"""An autoencoder that starts as principal component analysis (PCA)."""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.datasets.batches import images_at_a_time
from autoencoders.decomposition import principal_directions
from autoencoders.param_types import Count, ImageShape
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.mlp import linear_layers
from autoencoders.variants.models.refinement import Corrected, refinement
from autoencoders.variants.models.residual import MARGIN

FITTED_IMAGES = 10_000  # at most; with more, the principal components hardly change


class PcaAE(Autoencoder):
    """A linear autoencoder, set to principal components, and networks that correct it.

    Encoder and decoder are each a linear layer plus a network with `hidden` units. A `refinement`
    with `width` channels corrects the decoder's image.

    `start_from` sets the last layer of each correction to 0, so training starts from PCA.

    Raises:
        ValueError: the encoder input is smaller than the image, or the image's height or width is
            not even.
    """

    encoder: Corrected
    decoder: Corrected

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        latent_size: Count,
        hidden: Count,
        width: Count,
        blocks: Count,
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        if input_shape != image_shape:
            raise ValueError(
                "model: found pca_ae for an encoder input that is smaller than the image; allowed: "
                "a clean or a noisy input"
            )
        self.latent_shape = (latent_size,)
        size = prod(image_shape)
        self.encoder = Corrected(
            nn.Linear(size, latent_size),
            nn.Sequential(*linear_layers([size, hidden, latent_size])),
        )
        self.decoder = Corrected(
            nn.Linear(latent_size, size),
            nn.Sequential(*linear_layers([latent_size, hidden, size])),
        )
        self.refinement = refinement(image_shape, width, blocks)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the latent `(N, latent_size)` of `inputs` `(N, *input_shape)`."""
        return self.encoder(inputs.flatten(1))

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        image = self.decoder(latent).unflatten(1, self.image_shape)
        # Under autocast the image is bfloat16, which rounds 1 - MARGIN to 1.
        return torch.logit(self.refinement(image).float(), MARGIN)

    def start_from(self, images: Tensor) -> None:
        """Set linear layers to the components of images `(N, C, H, W)`, and corrections to 0."""
        step = -(-len(images) // images_at_a_time(images.shape[1:], FITTED_IMAGES))
        x = images[::step].flatten(1).float() / 255
        mean = x.mean(0)
        directions = principal_directions(x - mean, *self.latent_shape)
        # Few images have fewer components than the latent.
        directions = F.pad(directions, (0, self.latent_shape[0] - directions.shape[1]))
        state = {
            "encoder.base.weight": directions.T,
            "encoder.base.bias": -mean @ directions,
            "decoder.base.weight": directions,
            "decoder.base.bias": mean,
        }
        self.load_state_dict(state, strict=False)
        for corrected in (self.encoder, self.decoder, self.refinement):
            corrected.start_from_base()
