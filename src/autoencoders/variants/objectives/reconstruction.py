"""The reconstruction objective."""

from torch import Tensor

from autoencoders.param_types import PixelLoss
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import reconstruction


class Reconstruction(Objective):
    """The binary cross-entropy or the squared error of the reconstruction, a mean over pixels."""

    def __init__(self, loss: PixelLoss) -> None:
        self.loss = loss

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel, and `mse`, each `(N,)`."""
        logits = networks.model.decode(networks.model.encode(inputs)).float()
        return reconstruction(self.loss, logits, images)
