"""How new codes are drawn."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from autoencoders.randomness import Noise


class Sampler(ABC):
    """A distribution of codes that decode to images.

    A constructor may take the `prior` that latents were drawn towards, and `components`.

    Attributes:
        title: what is drawn from, as figures and tables say it.
        needs_prior: it is nothing without a prior.
        needs_codes: `fit` looks at more of the codes than their shape.
    """

    title: str
    needs_prior: ClassVar[bool] = False
    needs_codes: ClassVar[bool] = True

    @abstractmethod
    def fit(self, codes: Tensor) -> None:
        """Learn from the codes `(N, *latent_shape)` of training images, N two or more."""

    @abstractmethod
    def draw(self, count: int, noise: Noise) -> Tensor:
        """Return `count` new codes, `(count, *latent_shape)`; all randomness is the noise's."""
