"""A model and the networks that its objective brings, as one module."""

from collections.abc import Mapping

from torch import nn

from autoencoders.variants.networks.base import Autoencoder


class Networks(nn.Module):
    """What is trained, averaged and saved together.

    Attributes:
        model: the autoencoder.
        objective: the objective's own networks by name, such as a discriminator.
    """

    model: Autoencoder

    def __init__(self, model: Autoencoder, objective: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.model = model
        self.objective = nn.ModuleDict(objective)
