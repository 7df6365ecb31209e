"""Give back what a classifier sees in the image."""

import torch
from torch import Tensor

from autoencoders.param_types import PixelLoss, Weight
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.base import Networks, Objective, Perceive, Terms
from autoencoders.variants.objectives.losses import pixel_loss, squared_error


class Perceptual(Objective):
    """Give back what a frozen classifier sees in the image, and the image.

    The feature reconstruction loss of Johnson et al., arXiv 1603.08155, section 3.2, summed over
    the classifier's feature maps, and beside it a loss of the pixels, as Dosovitskiy & Brox,
    arXiv 1602.02644, have it.

    `perceive` returns an image batch's feature maps, each `(N, …)`. It is the pipeline's own
    classifier, and learns nothing here; without it nothing can be learnt, but all else be done.
    """

    def __init__(
        self, perceive: Perceive | None, pixel_loss: PixelLoss, pixel_weight: Weight
    ) -> None:
        self.perceive = perceive
        self.pixel_loss = pixel_loss
        self.pixel_weight = pixel_weight

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss` = `features` + pixel_weight · `pixels`.

        `features` is the sum over maps of the mean squared difference of their entries, `pixels`
        in nats or squared intensity per pixel.
        """
        assert self.perceive is not None
        logits = networks.model.decode(networks.model.encode(inputs)).float()
        with torch.no_grad():
            wanted = self.perceive(images)
        found = self.perceive(logits.sigmoid())
        differences = [(a.float() - b.float()).square() for a, b in zip(found, wanted, strict=True)]
        features = torch.stack([squared.flatten(1).mean(1) for squared in differences]).sum(0)
        pixels = pixel_loss(self.pixel_loss, logits, images)
        return {
            "loss": features + self.pixel_weight * pixels,
            "features": features,
            "pixels": pixels,
            "mse": squared_error(logits, images).mean(1),
        }
