"""Priors that are mixtures of Gaussians: with free parameters, or with those of pseudo-inputs."""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn

from autoencoders.param_types import AtLeastTwo, ImageShape
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.priors.base import Prior, PriorFamily

PRIOR = "prior"  # the name of the network
BISECTIONS = 60
MAX_LATENT = 1e3  # quantiles are between -MAX_LATENT and MAX_LATENT


class GaussianMixture(Prior):
    """A mixture of K diagonal Gaussians.

    Attributes:
        means: `(K, *latent_shape)`.
        log_variances: `(K, *latent_shape)`.
        log_weights: `(K,)`, the logarithms of weights with the sum 1.
    """

    def __init__(self, means: Tensor, log_variances: Tensor, log_weights: Tensor) -> None:
        self.means = means
        self.log_variances = log_variances
        self.log_weights = log_weights

    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        """Return draws of `shape` `(N, *latent_shape)`, on the device of `noise`."""
        normal, uniform = noise.normal(shape), noise.uniform(shape[:1])
        ends = self.log_weights.exp().cumsum(0)[:-1].to(uniform.device)
        chosen = torch.searchsorted(ends, uniform, right=True)
        means, log_variances = (
            parameter.to(normal.device)[chosen] for parameter in (self.means, self.log_variances)
        )
        return means + normal * (log_variances / 2).exp()

    def log_density(self, latents: Tensor) -> Tensor:
        """Return log Σ w N(z; μ, σ²) of each latent in nats, `(N,)`."""
        z = latents.flatten(1)
        means, log_variances = (
            parameter.flatten(1).to(z.dtype) for parameter in (self.means, self.log_variances)
        )
        precisions = (-log_variances).exp()
        # Matrix products need no array of N × K × size numbers. bfloat16 has too few digits here.
        with torch.autocast(z.device.type, enabled=False):
            squared = z.square() @ precisions.T - 2 * z @ (means * precisions).T
        constants = (log(2 * torch.pi) + log_variances + means.square() * precisions).sum(1)
        return (self.log_weights - 0.5 * (constants + squared)).logsumexp(1)

    def quantiles(self, probabilities: Tensor) -> Tensor:
        """Return the quantiles `(S,)` of a random latent entry for probabilities `(S,)`."""
        means, scales = self.means.flatten(1).double(), (self.log_variances / 2).exp().flatten(1)
        weights = self.log_weights.double().exp()
        low, high = (torch.full_like(probabilities, end) for end in (-MAX_LATENT, MAX_LATENT))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = torch.special.ndtr((middle[:, None, None] - means) / scales).mean(2) @ weights
            low = torch.where(below < probabilities, middle, low)
            high = torch.where(below < probabilities, high, middle)
        return (low + high) / 2


class Mixture(PriorFamily):
    """A mixture with learned means, variances and weights.

    Tomczak & Welling, arXiv 1705.07120, section 2 ("mixture of Gaussians").
    """

    def __init__(self, latent_shape: tuple[int, ...], components: AtLeastTwo) -> None:
        self.shape = (components, *latent_shape)

    def networks(self) -> dict[str, nn.Module]:
        """Return the parameters; the means are standard normal draws."""
        parameters = {
            "means": torch.randn(self.shape),
            "log_variances": torch.zeros(self.shape),
            "logits": torch.zeros(self.shape[0]),
        }
        return {PRIOR: nn.ParameterDict(parameters)}

    def prior(self, model: Autoencoder, networks: nn.ModuleDict) -> Prior:
        """Return the mixture."""
        parameters = dict(networks[PRIOR].named_parameters())
        log_weights = parameters["logits"].log_softmax(0)
        return GaussianMixture(parameters["means"], parameters["log_variances"], log_weights)


class Vamp(PriorFamily):
    """The variational mixture of posteriors: the encoder's posteriors of learned pseudo-inputs.

    Tomczak & Welling, arXiv 1705.07120, eq. 9, with equal weights. The pseudo-inputs are sigmoids
    of the learned parameters, so they are in [0, 1].
    """

    def __init__(self, input_shape: ImageShape, components: AtLeastTwo) -> None:
        self.shape = (components, *input_shape)

    def networks(self) -> dict[str, nn.Module]:
        """Return the parameters of the pseudo-inputs, standard normal draws, as one vector.

        Muon orthogonalises matrices. It leaves vectors to Adam.
        """
        return {PRIOR: nn.ParameterDict({"pseudo_inputs": torch.randn(self.shape).flatten()})}

    def prior(self, model: Autoencoder, networks: nn.ModuleDict) -> Prior:
        """Return the mixture of the posteriors of a `VariationalAutoencoder`."""
        assert isinstance(model, VariationalAutoencoder)
        pseudo_inputs = dict(networks[PRIOR].named_parameters())["pseudo_inputs"].view(self.shape)
        means, log_variances = (part.float() for part in model.posterior(pseudo_inputs.sigmoid()))
        log_weights = torch.full((len(means),), -log(len(means)), device=means.device)
        return GaussianMixture(means, log_variances, log_weights)
