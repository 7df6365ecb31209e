"""Pixel losses, likelihoods and posterior draws, shared by the objectives.

`logits` and `images` are `(N, C, H, W)`; a reconstruction is the sigmoid of its logits.
"""

import torch.nn.functional as F
from torch import Tensor

from autoencoders.param_types import Likelihood, PixelLoss
from autoencoders.randomness import Noise


def cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """Return the binary cross-entropy of every pixel in nats, `(N, C·H·W)`."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1)


def squared_error(logits: Tensor, images: Tensor) -> Tensor:
    """Return the squared error of every pixel, `(N, C·H·W)`."""
    return (logits.sigmoid() - images).square().flatten(1)


def pixel_loss(loss: PixelLoss, logits: Tensor, images: Tensor) -> Tensor:
    """Return the mean over pixels of the cross-entropy or the squared error, `(N,)`."""
    return (cross_entropy if loss == "bce" else squared_error)(logits, images).mean(1)


def reconstruction(loss: PixelLoss, logits: Tensor, images: Tensor) -> dict[str, Tensor]:
    """Return `loss`, in nats or squared intensity per pixel, and `mse`, each `(N,)`."""
    return {
        "loss": pixel_loss(loss, logits, images),
        "mse": squared_error(logits, images).mean(1),
    }


def negative_log_likelihood(likelihood: Likelihood, logits: Tensor, images: Tensor) -> Tensor:
    """Return -log p(x|z) of every pixel in nats, `(N, C·H·W)`, up to a constant.

    For a Gaussian with variance ½ it is the squared error, without the constant ½·log π per pixel.
    For a Bernoulli it is the binary cross-entropy, and no constant is omitted.
    """
    return (squared_error if likelihood == "gaussian" else cross_entropy)(logits, images)


def draw(mean: Tensor, log_variance: Tensor, noise: Noise) -> Tensor:
    """Return one draw from N(mean, exp(log_variance)); all are `(N, *latent_shape)`."""
    return mean + noise.normal(mean.shape).to(mean.device) * (log_variance / 2).exp()
