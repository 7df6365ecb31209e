"""Draws from one Gaussian, fitted to codes."""

from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.samplers.base import Sampler


class GaussianSampler(Sampler):
    """The Gaussian with the codes' mean and sample covariance.

    A draw is the mean plus the centred codes, each times a standard normal draw of its own over
    √(N-1): that has the sample's covariance, which is never written down, however large the latent.
    """

    title = "a Gaussian"

    def fit(self, codes: Tensor) -> None:
        """Keep the codes."""
        self.mean = codes.mean(0)
        self.centred = codes.flatten(1) - codes.flatten(1).mean(0)

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return `count` draws."""
        n = len(self.centred)
        weights = noise.normal((count, n)).to(self.centred.device) / (n - 1) ** 0.5
        return self.mean + (weights @ self.centred).view(count, *self.mean.shape)
