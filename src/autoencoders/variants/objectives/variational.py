"""The variational objective: the evidence lower bound."""

from typing import ClassVar

from torch import Tensor

from autoencoders.param_types import Likelihood
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import VariationalAutoencoder
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import draw, negative_log_likelihood, squared_error
from autoencoders.variants.priors.base import Prior
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL


class Variational(Objective):
    """The negative evidence lower bound (ELBO), estimated with one latent draw per image.

    Kingma & Welling, arXiv 1312.6114, eq. 7 and 10. The reconstruction term is -log p(x|z) up to a
    constant: the sum over pixels of squared errors for a Gaussian with variance ½, or of binary
    cross-entropies for a Bernoulli.
    """

    learns_posterior: ClassVar[bool] = True
    units: ClassVar[dict[str, str]] = {"reconstruction": "nats per image", "kl": "nats per image"}

    def __init__(self, likelihood: Likelihood, prior: Prior = STANDARD_NORMAL) -> None:
        self.likelihood: Likelihood = likelihood
        self.prior: Prior = prior

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss` = `reconstruction` + `kl`, in nats per image, and `mse`, each `(N,)`."""
        model = networks.model
        assert isinstance(model, VariationalAutoencoder)
        mean, log_variance = (part.float() for part in model.posterior(inputs))
        latents = draw(mean, log_variance, noise)
        logits = model.decode(latents).float()
        reconstruction = negative_log_likelihood(self.likelihood, logits, images).sum(1)
        kl = self.prior.kl(mean, log_variance, latents)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "mse": squared_error(logits, images).mean(1),
        }
