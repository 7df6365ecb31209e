"""What the training loop, the metrics and the figures may ask of any network."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class Autoencoder(nn.Module, ABC):
    """An encoder to a latent of `latent_shape` and a decoder from it to an image's logits.

    Attributes:
        latent_holds_input: a part of the latent is what the encoder was given, as it was.
    """

    latent_holds_input: ClassVar[bool] = False
    latent_shape: tuple[int, ...]
    encoder: nn.Module

    @abstractmethod
    def encode(self, seen: Tensor) -> Tensor:
        """Return the latent `(N, *latent_shape)` of `seen` `(N, *input_shape)`."""

    @abstractmethod
    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""

    def forward(self, seen: Tensor) -> Tensor:
        """Return the reconstruction `(N, *image_shape)` in [0, 1]; it is deterministic."""
        return self.decode(self.encode(seen)).sigmoid()


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose encoder gives a diagonal Gaussian; its latent is the Gaussian's mean."""

    @abstractmethod
    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each `(N, *latent_shape)`."""

    def encode(self, seen: Tensor) -> Tensor:
        """Return the posterior mean `(N, *latent_shape)`."""
        return self.posterior(seen)[0]
