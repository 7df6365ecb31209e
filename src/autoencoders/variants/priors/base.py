"""Base classes of the priors, and the log-density of diagonal Gaussians."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import log, pi

from torch import Tensor, nn

from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder


class PriorFamily(ABC):
    """What params.yaml selects: a family of priors, whose parameters may be learned.

    The parameters are networks of the objective, so they are trained and saved with the model.
    """

    def networks(self) -> dict[str, nn.Module]:
        """Return new networks by name, drawn from torch's global generator; none by default."""
        return {}

    @abstractmethod
    def prior(self, model: Autoencoder, networks: nn.ModuleDict) -> "Prior":
        """Return the prior with the present weights of `model` and of the objective's networks."""


class Prior(PriorFamily):
    """A distribution p(z) of latents `(N, *latent_shape)` of any shape.

    It is also a family with one member, so a prior without learned parameters needs no other class.
    """

    def prior(self, model: Autoencoder, networks: nn.ModuleDict) -> "Prior":
        """Return this object."""
        return self

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
        return -log_ratio(self, latents, mean, log_variance)


def log_ratio(prior: Prior, latents: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return log p(z) - log q(z) in nats, `(N,)`, for one draw z of each posterior q."""
    return prior.log_density(latents) - gaussian_log_density(latents, mean, log_variance)


def gaussian_log_density(latents: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the log-density in nats, `(N,)`, of diagonal Gaussians at `(N, *latent_shape)`."""
    squared = (latents - mean).square() * (-log_variance).exp()
    return -0.5 * (log(2 * pi) + log_variance + squared).flatten(1).sum(1)
