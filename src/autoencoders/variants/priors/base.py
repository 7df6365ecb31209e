"""Base class of the priors, and the log-density of diagonal Gaussians."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import log, pi

from torch import Tensor

from autoencoders.randomness import Noise


class Prior(ABC):
    """A distribution p(z) of latents `(N, *latent_shape)` of any shape."""

    @abstractmethod
    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        """Return draws of `shape` `(N, *latent_shape)`, on the device of `noise`."""

    @abstractmethod
    def log_density(self, latents: Tensor) -> Tensor:
        """Return log p(z) of each latent in nats, `(N,)`."""

    @abstractmethod
    def quantiles(self, probabilities: Tensor) -> Tensor:
        """Return the quantiles `(S,)` of one latent entry for probabilities `(S,)`, float64."""

    def kl(self, mean: Tensor, log_variance: Tensor, latents: Tensor) -> Tensor:
        """Return KL(N(mean, exp(log_variance)) ‖ p) in nats, `(N,)`.

        A prior with a closed form overrides this method. Otherwise it is the one-draw estimate
        log q(z) - log p(z), where `latents` has one draw from q per row.
        """
        return gaussian_log_density(latents, mean, log_variance) - self.log_density(latents)


def gaussian_log_density(latents: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the log-density in nats, `(N,)`, of diagonal Gaussians at `(N, *latent_shape)`."""
    squared = (latents - mean).square() * (-log_variance).exp()
    return -0.5 * (log(2 * pi) + log_variance + squared).flatten(1).sum(1)
