"""Base classes of the models, and Kaiming initialisation."""

from typing import ClassVar

from torch import Tensor, nn


class Autoencoder(nn.Module):
    """An encoder from the encoder input to a latent, and a decoder to the logits of an image.

    A model's constructor takes `input_shape` and `image_shape`, both `(C, H, W)`, and the keys
    next to `kind` in params.yaml. It raises a `ValueError` if the keys do not fit the shapes.
    Weights are drawn from torch's global generator. Under `torch.device("meta")` the model has no
    weights, and building it takes no memory and little time.

    Attributes:
        latent_shape: the shape of one image's latent.
        has_posterior: whether the model is a `VariationalAutoencoder`.
        latent_holds_input: whether a part of the latent is an unchanged copy of the input.
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

    def start_from(self, images: Tensor) -> None:
        """Set initial weights that depend on the training images, uint8 `(N, C, H, W)`.

        By default there are none. The same images give the same weights; nothing is random.
        """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the reconstruction `(N, *image_shape)` in [0, 1]; it is deterministic."""
        return self.decode(self.encode(inputs)).sigmoid()


class VariationalAutoencoder(Autoencoder):
    """An autoencoder with a diagonal Gaussian posterior; the latent is the posterior mean.

    Two linear layers on the encoder's features compute mean and log-variance, `(N, latent_size)`.
    """

    has_posterior: ClassVar[bool] = True
    mean: nn.Linear
    log_variance: nn.Linear

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of q(z|x), each `(N, *latent_shape)`."""
        features = self.encoder(inputs).flatten(1)
        return self.mean(features), self.log_variance(features)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the posterior mean `(N, *latent_shape)`."""
        return self.posterior(inputs)[0]


def initialize_kaiming(module: nn.Module) -> None:
    """Draw new weights (He et al., arXiv 1502.01852, eq. 10) and set biases to 0, in place.

    Layers on the meta device stay as they are: they have no values, and drawing there makes PyTorch
    import its compiler, which takes seconds and needs a temporary folder.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            if layer.weight.is_meta:
                continue
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
