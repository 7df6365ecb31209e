"""What latents are drawn towards: what an objective, a metric and a figure may ask of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import log, pi

from torch import Tensor

from autoencoders.randomness import Noise


class Prior(ABC):
    """A distribution p(z) of latents `(N, *latent_shape)`, whatever their shape."""

    @abstractmethod
    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        """Return draws of this `shape`, `(N, *latent_shape)`, on the noise's device."""

    @abstractmethod
    def log_density(self, latents: Tensor) -> Tensor:
        """Return log p(z) of each latent in nats, `(N,)`."""

    @abstractmethod
    def quantiles(self, shares: Tensor) -> Tensor:
        """Return what one entry of a latent is below with these probabilities, `(S,)` float64."""

    def kl(self, mean: Tensor, log_variance: Tensor, latents: Tensor) -> Tensor:
        """Return KL(N(mean, exp(log_variance)) ‖ p) in nats, `(N,)`.

        In closed form where a prior has one. Else this: log q(z) - log p(z) of `latents`, one draw
        for each row, whose expectation it is.
        """
        return gaussian_log_density(latents, mean, log_variance) - self.log_density(latents)


def gaussian_log_density(latents: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the log-density of diagonal Gaussians at `latents`, shaped as they are, `(N,)`."""
    squared = (latents - mean).square() * (-log_variance).exp()
    return -0.5 * (log(2 * pi) + log_variance + squared).flatten(1).sum(1)
