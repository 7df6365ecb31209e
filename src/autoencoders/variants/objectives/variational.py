"""The variational objective: bounds on the log-likelihood."""

from math import log
from typing import ClassVar

import torch
from torch import Tensor

from autoencoders.param_types import Bound, Count, Likelihood, Weight
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import draw, negative_log_likelihood, squared_error
from autoencoders.variants.priors.base import Prior, PriorFamily, log_ratio
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL


class Variational(Objective):
    """A negative bound on the log-likelihood, estimated with `samples` latent draws per image.

    The bound is the evidence lower bound (ELBO; Kingma & Welling, arXiv 1312.6114, eq. 7 and 10) or
    the importance-weighted bound (IWAE; Burda et al., arXiv 1509.00519, eq. 8). With IWAE, the
    encoder has the doubly reparameterised gradient (DReG; Tucker et al., arXiv 1810.04152, eq. 8).
    Its mean is that of Burda's gradient, and its variance is usually less. The reconstruction term
    is -log p(x|z) up to a constant: the sum over pixels of squared errors for a Gaussian with
    variance ½, or of binary cross-entropies for a Bernoulli.

    `beta` weights the KL term of the ELBO (Higgins et al. 2017, β-VAE, eq. 4). The first
    `free_bits` nats of an image's KL cost nothing; Kingma et al., arXiv 1606.04934, eq. 15, take
    the minimum of each latent entry's mean over the batch instead.
    """

    learns_posterior: ClassVar[bool] = True
    units: ClassVar[dict[str, str]] = {"reconstruction": "nats per image", "kl": "nats per image"}

    def __init__(
        self,
        likelihood: Likelihood,
        prior: PriorFamily = STANDARD_NORMAL,
        bound: Bound = "elbo",
        samples: Count = 1,
        beta: Weight = 1.0,
        free_bits: Weight = 0.0,
    ) -> None:
        self.likelihood: Likelihood = likelihood
        self.prior: PriorFamily = prior
        self.bound = bound
        self.samples = samples
        self.beta = beta
        self.free_bits = free_bits

    def check(self, model: Autoencoder) -> None:
        """Raise a `ValueError` if `model` has no posterior, or if settings contradict the bound."""
        super().check(model)
        if self.bound == "iwae" and (self.beta, self.free_bits) != (1, 0):
            raise ValueError(
                f"objective: found beta {self.beta} and free_bits {self.free_bits} with the bound "
                "iwae; allowed: beta 1.0 and free_bits 0.0, or the bound elbo"
            )

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, `reconstruction` and `kl` in nats per image, and `mse`, each `(N,)`.

        `reconstruction` and `kl` are means over the samples; `mse` is that of the first sample.
        """
        model, prior = networks.model, self.prior.prior(networks.model, networks.objective)
        assert isinstance(model, VariationalAutoencoder)
        mean, log_variance = (part.float() for part in model.posterior(inputs))
        draws = torch.stack([draw(mean, log_variance, noise) for _ in range(self.samples)])
        logits = model.decode(draws.flatten(0, 1)).float().unflatten(0, (self.samples, -1))
        pixels = negative_log_likelihood(self.likelihood, logits, images.expand_as(logits))
        reconstructions = pixels.unflatten(1, (len(images), -1)).sum(2)
        kl = torch.stack([prior.kl(mean, log_variance, latents) for latents in draws]).mean(0)
        reconstruction = reconstructions.mean(0)
        if self.bound == "iwae":
            loss = -_importance_weighted(prior, mean, log_variance, draws, -reconstructions)
        else:
            paid = kl.clamp_min(self.free_bits) if self.free_bits else kl
            loss = reconstruction + self.beta * paid
        mse = squared_error(logits[0], images).mean(1)
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "mse": mse}


def _importance_weighted(
    prior: Prior, mean: Tensor, log_variance: Tensor, draws: Tensor, log_likelihoods: Tensor
) -> Tensor:
    """Return the logarithm of the mean weight p(x|z)·p(z) / q(z|x) over the draws z, `(N,)`.

    `draws` are `(K, N, *latent_shape)`, and `log_likelihoods` of them are `(K, N)`. The gradient
    reaches the posterior's `mean` and `log_variance` only through the draws, and each draw's share
    is multiplied by its normalised weight once more (Tucker et al., eq. 8).
    """
    fixed = mean.detach(), log_variance.detach()
    ratios = torch.stack([log_ratio(prior, latents, *fixed) for latents in draws])
    log_weights = log_likelihoods + ratios
    if draws.requires_grad:
        weights = log_weights.detach().softmax(0)
        shares = weights.view(*weights.shape, *[1] * (draws.ndim - weights.ndim))
        draws.register_hook(lambda gradient: gradient * shares)
    return log_weights.logsumexp(0) - log(len(draws))
