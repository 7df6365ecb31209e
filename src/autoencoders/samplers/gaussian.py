"""A sampler that draws from one Gaussian, fitted to codes."""

from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.samplers.base import Sampler


class GaussianSampler(Sampler):
    """The Gaussian with the mean and the sample covariance of codes `(N, *latent_shape)`.

    A draw is the mean plus a weighted sum of the N centred codes. The weights are independent
    standard normal draws divided by √(N-1). The draws have the sample covariance, and this matrix,
    which is too large for large latents, is never stored.
    """

    title = "a Gaussian"

    def fit(self, codes: Tensor) -> None:
        """Store the codes `(N, *latent_shape)`, N ≥ 2."""
        self.mean = codes.mean(0)
        self.centred = codes.flatten(1) - codes.flatten(1).mean(0)

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return draws `(count, *latent_shape)`."""
        n = len(self.centred)
        weights = noise.normal((count, n)).to(self.centred.device) / (n - 1) ** 0.5
        return self.mean + (weights @ self.centred).view(count, *self.mean.shape)
