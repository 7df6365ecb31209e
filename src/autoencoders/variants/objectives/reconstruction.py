"""Give back the image."""

from torch import Tensor

from autoencoders.param_types import PixelLoss
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import reconstruction


class Reconstruction(Objective):
    """Give back the image: binary cross-entropy or squared error, the mean over pixels."""

    def __init__(self, loss: PixelLoss) -> None:
        self.loss = loss

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel."""
        logits = networks.model.decode(networks.model.encode(inputs)).float()
        return reconstruction(self.loss, logits, images)
