"""The registry of models, by their `kind` in params.yaml."""

from collections.abc import Callable

from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.convolutional import ConvAE, ConvVAE
from autoencoders.variants.models.mlp import MlpAE, MlpVAE
from autoencoders.variants.models.pca import PcaAE
from autoencoders.variants.models.residual import Residual
from autoencoders.variants.models.residual_mlp import ResidualVAE

MODELS: dict[str, Callable[..., Autoencoder]] = {
    "conv_ae": ConvAE,
    "conv_vae": ConvVAE,
    "mlp_ae": MlpAE,
    "mlp_vae": MlpVAE,
    "pca_ae": PcaAE,
    "residual": Residual,
    "residual_vae": ResidualVAE,
    "super_resolution": Residual,  # the name of `residual` in earlier versions
}
