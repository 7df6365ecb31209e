"""The standard normal distribution, N(0, I)."""

from collections.abc import Sequence
from math import log, pi

import torch
from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.variants.priors.base import Prior


class StandardNormal(Prior):
    """Independent latent entries, each normal with mean 0 and variance 1."""

    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        """Return draws of `shape` `(N, *latent_shape)`, on the device of `noise`."""
        return noise.normal(shape)

    def log_density(self, latents: Tensor) -> Tensor:
        """Return log N(z; 0, I) of each latent in nats, `(N,)`."""
        return -0.5 * (log(2 * pi) + latents.square()).flatten(1).sum(1)

    def quantiles(self, probabilities: Tensor) -> Tensor:
        """Return the quantiles `(S,)` of the normal distribution for probabilities `(S,)`."""
        return torch.special.ndtri(probabilities)

    def kl(self, mean: Tensor, log_variance: Tensor, latents: Tensor) -> Tensor:
        """Return KL(N(mean, exp(log_variance)) ‖ N(0, I)) in nats, `(N,)`, without `latents`.

        Kingma & Welling, arXiv 1312.6114, appendix B: -½ Σ(1 + log σ² - μ² - σ²).
        """
        return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).flatten(1).sum(1)


STANDARD_NORMAL = StandardNormal()
