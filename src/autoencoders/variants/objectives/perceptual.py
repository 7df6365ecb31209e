"""The perceptual objective: the feature maps of a classifier."""

import torch
from torch import Tensor

from autoencoders.param_types import PixelLoss, Weight
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.base import Networks, Objective, Perceive, Terms
from autoencoders.variants.objectives.losses import pixel_loss, squared_error


class Perceptual(Objective):
    """Reconstruct the image, and the feature maps that a frozen classifier computes from it.

    The feature reconstruction loss (Johnson et al., arXiv 1603.08155, section 3.2) is summed over
    the classifier's feature maps. A pixel loss is added, as in Dosovitskiy & Brox, arXiv
    1602.02644.

    `perceive` maps images `(N, C, H, W)` to the feature maps of the dataset's classifier, each
    `(N, …)`. Only training needs it; otherwise it may be None.
    """

    def __init__(
        self, perceive: Perceive | None, pixel_loss: PixelLoss, pixel_weight: Weight
    ) -> None:
        self.perceive = perceive
        self.pixel_loss = pixel_loss
        self.pixel_weight = pixel_weight

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss` = `features` + pixel_weight · `pixels`, both terms, and `mse`, each `(N,)`.

        `features` is the mean squared difference of each feature map, summed over the maps.
        `pixels` is in nats or squared intensity per pixel.
        """
        assert self.perceive is not None
        logits = networks.model.decode(networks.model.encode(inputs)).float()
        with torch.no_grad():
            targets = self.perceive(images)
        maps = self.perceive(logits.sigmoid())
        squared = [(a.float() - b.float()).square() for a, b in zip(maps, targets, strict=True)]
        features = torch.stack([errors.flatten(1).mean(1) for errors in squared]).sum(0)
        pixels = pixel_loss(self.pixel_loss, logits, images)
        return {
            "loss": features + self.pixel_weight * pixels,
            "features": features,
            "pixels": pixels,
            "mse": squared_error(logits, images).mean(1),
        }
