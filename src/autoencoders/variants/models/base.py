"""What is known of a model before any of it is a network."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder


class ModelPlan(ABC):
    """A network laid out for inputs and images of one shape; `network` makes it of layers.

    A constructor takes `input_shape` and `image_shape`, both `(C, H, W)`, and the keys that stand
    beside `kind` in params.yaml. It raises a `ValueError` that says why the shapes do not fit. As
    nothing of it is torch, params.yaml is checked in an instant.

    Attributes:
        latent_shape: of one image's latent.
        has_posterior: the network is a `VariationalAutoencoder`.
        latent_holds_input: a part of the latent is what the encoder was given, as it was.
    """

    latent_shape: tuple[int, ...]
    has_posterior: ClassVar[bool] = False
    latent_holds_input: ClassVar[bool] = False

    @abstractmethod
    def network(self) -> "Autoencoder":
        """Return the network, its weights drawn from torch's global generator."""
