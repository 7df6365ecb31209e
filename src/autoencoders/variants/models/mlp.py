"""Fully connected autoencoders: plain and variational."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from autoencoders.param_types import Activation, Count, ImageShape, Widths
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.models.refinement import Corrected, refinement

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class MlpAE(Autoencoder):
    """An autoencoder of linear layers; the decoder has the encoder's `hidden` widths in reverse.

    Makhzani et al., arXiv 1511.05644, use `hidden` [1000, 1000, 1000] and `latent_size` 150.
    With `channels`, a `refinement` with as many channels and one block corrects the decoder's
    logits. `start_from` sets its last layer to 0, so training starts from the linear layers.

    Raises:
        ValueError: with `channels`, the image's height or width is not even.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        hidden: Widths,
        latent_size: Count,
        channels: Count | None = None,
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        self.encoder = Flattened(*linear_layers([prod(input_shape), *hidden, latent_size]))
        self.decoder = linear_decoder([latent_size, *reversed(hidden)], image_shape)
        if channels:
            self.decoder.append(refinement(image_shape, channels, blocks=1))

    def start_from(self, images: Tensor) -> None:
        """Set the correction of the decoder's logits to 0 for any images `(N, C, H, W)`."""
        for layer in self.decoder.children():
            if isinstance(layer, Corrected):
                layer.start_from_base()


class MlpVAE(VariationalAutoencoder):
    """A variational autoencoder of linear layers (Kingma & Welling, arXiv 1312.6114, appendix C).

    Two linear layers compute the mean and the log-variance of the diagonal Gaussian posterior.
    Burda et al., arXiv 1509.00519, use `hidden` [200, 200], `latent_size` 50 and tanh.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        hidden: Widths,
        latent_size: Count,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        inner = linear_layers([prod(input_shape), *hidden], activation)
        self.encoder = Flattened(*inner, ACTIVATIONS[activation]())
        self.mean = nn.Linear(hidden[-1], latent_size)
        self.log_variance = nn.Linear(hidden[-1], latent_size)
        self.decoder = linear_decoder([latent_size, *reversed(hidden)], image_shape, activation)


class Flattened(nn.Sequential):
    """Layers that flatten images `(N, C, H, W)` to vectors `(N, C·H·W)` first."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the output of the last layer, `(N, width)`."""
        vectors: Tensor = super().forward(images.flatten(1))  # type: ignore[no-untyped-call]
        return vectors


def linear_decoder(
    widths: list[int], image_shape: ImageShape, activation: Activation = "relu"
) -> nn.Sequential:
    """Return linear layers between `widths`, and a last one to logits `(N, *image_shape)`."""
    layers = linear_layers([*widths, prod(image_shape)], activation)
    return nn.Sequential(*layers, nn.Unflatten(1, image_shape))


def linear_layers(widths: list[int], activation: Activation = "relu") -> list[nn.Module]:
    """Return linear layers between `widths`, with an activation between two layers."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), ACTIVATIONS[activation]()]
    return layers[:-1]
