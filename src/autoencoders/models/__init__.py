"""The networks, by the name that params.yaml calls them.

A constructor takes `input_shape` and `image_shape`, both `(C, H, W)`, and the keys that stand
beside `kind` in params.yaml; their types and bounds are what `autoencoders check` allows.
"""

from collections.abc import Callable

from autoencoders.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.models.convolutional import ConvAE
from autoencoders.models.mlp import MlpAE, MlpVAE

MODELS: dict[str, Callable[..., Autoencoder]] = {
    "conv_ae": ConvAE,
    "mlp_ae": MlpAE,
    "mlp_vae": MlpVAE,
}

__all__ = ["MODELS", "Autoencoder", "VariationalAutoencoder"]
