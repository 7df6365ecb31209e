"""Draws from the prior itself."""

from typing import ClassVar

from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.samplers.base import Sampler
from autoencoders.variants.priors.base import Prior


class PriorSampler(Sampler):
    """What an objective draws latents towards, if it has a prior."""

    title = "the prior"
    needs_prior: ClassVar[bool] = True
    needs_codes: ClassVar[bool] = False

    def __init__(self, prior: Prior) -> None:
        self.prior = prior
        self.latent_shape: tuple[int, ...] = ()

    def fit(self, codes: Tensor) -> None:
        """Learn the latent's shape."""
        self.latent_shape = tuple(codes.shape[1:])

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return `count` draws from the prior."""
        return self.prior.draw((count, *self.latent_shape), noise)
