"""The standard normal distribution, N(0, I)."""

from collections.abc import Sequence
from math import log, pi

import torch
from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.variants.priors.base import Prior


class StandardNormal(Prior):
    """Every entry of a latent is normal with mean 0 and variance 1, and independent."""

    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        """Return draws of this `shape`, on the noise's device."""
        return noise.normal(shape)

    def log_density(self, latents: Tensor) -> Tensor:
        """Return log N(z; 0, I) of each latent in nats, `(N,)`."""
        return -0.5 * (log(2 * pi) + latents.square()).flatten(1).sum(1)

    def quantiles(self, shares: Tensor) -> Tensor:
        """Return the normal distribution's quantiles, `(S,)`."""
        return torch.special.ndtri(shares)

    def kl(self, mean: Tensor, log_variance: Tensor, latents: Tensor) -> Tensor:
        """Return KL(N(mean, exp(log_variance)) ‖ N(0, I)) in nats, `(N,)`; it needs no draw.

        Kingma & Welling, arXiv 1312.6114, appendix B: -½ Σ(1 + log σ² - μ² - σ²).
        """
        return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).flatten(1).sum(1)


STANDARD_NORMAL = StandardNormal()
