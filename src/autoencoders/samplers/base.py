"""Base class of the samplers."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from autoencoders.randomness import Noise


class Sampler(ABC):
    """A distribution of codes (latents of images); decoding its draws gives new images.

    A constructor may take `prior`, the objective's prior, and `components`, a number of Gaussians.

    Attributes:
        title: the name of the distribution in figures and messages.
        needs_prior: whether the variant must have a prior.
        needs_codes: whether `fit` uses the values of the codes, and not only their shape.
    """

    title: str
    needs_prior: ClassVar[bool] = False
    needs_codes: ClassVar[bool] = True

    @abstractmethod
    def fit(self, codes: Tensor) -> None:
        """Fit the distribution to training codes `(N, *latent_shape)`, N ≥ 2."""

    @abstractmethod
    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return new codes `(count, *latent_shape)`; all randomness comes from `noise`."""
