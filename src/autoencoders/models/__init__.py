"""The networks, by the name that params.yaml calls them.

A constructor takes `input_shape` and `image_shape`, both `(C, H, W)`, and the keys that stand
beside `kind` in params.yaml; their types and bounds are what `autoencoders check` allows.
"""

from collections.abc import Callable

from autoencoders.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.models.convolutional import ConvAE, ConvVAE
from autoencoders.models.mlp import MlpAE, MlpVAE
from autoencoders.models.super_resolution import SuperResolution

MODELS: dict[str, Callable[..., Autoencoder]] = {
    "conv_ae": ConvAE,
    "conv_vae": ConvVAE,
    "mlp_ae": MlpAE,
    "mlp_vae": MlpVAE,
    "super_resolution": SuperResolution,
}

__all__ = ["MODELS", "Autoencoder", "VariationalAutoencoder"]
