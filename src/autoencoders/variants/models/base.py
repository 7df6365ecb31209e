"""What the training loop, the metrics and the figures may ask of any network."""

from typing import ClassVar

from torch import Tensor, nn


class Autoencoder(nn.Module):
    """An encoder to a latent of `latent_shape` and a decoder from it to an image's logits.

    A model's constructor takes `input_shape` and `image_shape`, both `(C, H, W)`, and the keys
    that stand beside `kind` in params.yaml. It raises a `ValueError` that says why they do not
    fit. Weights are drawn from torch's global generator; under `torch.device("meta")` there are
    none, and building takes neither memory nor time.

    Attributes:
        latent_shape: of one image's latent.
        has_posterior: it is a `VariationalAutoencoder`.
        latent_holds_input: a part of the latent is what the encoder was given, as it was.
    """

    has_posterior: ClassVar[bool] = False
    latent_holds_input: ClassVar[bool] = False
    latent_shape: tuple[int, ...]
    encoder: nn.Module
    decoder: nn.Module

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the latent `(N, *latent_shape)` of `inputs` `(N, *input_shape)`."""
        return self.encoder(inputs)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        return self.decoder(latent)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the reconstruction `(N, *image_shape)` in [0, 1]; it is deterministic."""
        return self.decode(self.encode(inputs)).sigmoid()


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose encoder gives a diagonal Gaussian; its latent is the Gaussian's mean.

    Two linear heads on the encoder's features give mean and log-variance, each `(N, latent_size)`.
    """

    has_posterior: ClassVar[bool] = True
    mean: nn.Linear
    log_variance: nn.Linear

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each `(N, *latent_shape)`."""
        features = self.encoder(inputs).flatten(1)
        return self.mean(features), self.log_variance(features)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the posterior mean `(N, *latent_shape)`."""
        return self.posterior(inputs)[0]


def initialize_kaiming(module: nn.Module) -> None:
    """Draw weights for ReLU networks (He et al., arXiv 1502.01852, eq. 10); biases start at 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
