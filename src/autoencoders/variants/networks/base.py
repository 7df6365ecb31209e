"""What the training loop, the metrics and the figures may ask of any network."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Autoencoder(nn.Module, ABC):
    """An encoder to a latent of `latent_shape` and a decoder from it to an image's logits."""

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


class Plain(Autoencoder):
    """An encoder and a decoder, one after the other."""

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, latent_shape: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.latent_shape = latent_shape
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, seen: Tensor) -> Tensor:
        """Return the latent `(N, *latent_shape)` of `seen` `(N, *input_shape)`."""
        return self.encoder(seen)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        return self.decoder(latent)


class Gaussian(VariationalAutoencoder):
    """Two linear heads on an encoder's features; a decoder, and what may stand before it.

    The heads give the posterior's mean and log-variance, each `(N, latent_size)`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        mean: nn.Linear,
        log_variance: nn.Linear,
        to_maps: nn.Module,
        decoder: nn.Module,
    ) -> None:
        super().__init__()
        self.latent_shape = (mean.out_features,)
        self.encoder = encoder
        self.mean = mean
        self.log_variance = log_variance
        self.to_maps = to_maps
        self.decoder = decoder

    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each `(N, latent_size)`."""
        features = self.encoder(seen).flatten(1)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        return self.decoder(self.to_maps(latent))
