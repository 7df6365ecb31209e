"""A sampler that draws from the prior."""

from typing import ClassVar

from torch import Tensor

from autoencoders.randomness import Noise
from autoencoders.samplers.base import Sampler
from autoencoders.variants.priors.base import Prior


class PriorSampler(Sampler):
    """The prior of the variant's objective, if it has one."""

    title = "the prior"
    needs_prior: ClassVar[bool] = True
    needs_codes: ClassVar[bool] = False

    def __init__(self, prior: Prior) -> None:
        self.prior = prior
        self.latent_shape: tuple[int, ...] = ()

    def fit(self, codes: Tensor) -> None:
        """Take the latent's shape from codes `(N, *latent_shape)`."""
        self.latent_shape = tuple(codes.shape[1:])

    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return draws `(count, *latent_shape)` from the prior."""
        return self.prior.draw((count, *self.latent_shape), noise)
