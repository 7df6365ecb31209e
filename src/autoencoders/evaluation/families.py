"""What only one family of autoencoders has: a bound, a discriminator."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from autoencoders.models import Autoencoder, VariationalAutoencoder
from autoencoders.objectives import (
    Adversarial,
    Objective,
    Variational,
    cross_entropy,
    kl_to_standard_normal,
    squared_error,
)
from autoencoders.randomness import Noise

Pairs = Iterator[tuple[Tensor, Tensor]]
ACTIVE = 0.01  # a unit is active above this variance of its posterior mean


@torch.no_grad()
def family_metrics(
    model: Autoencoder,
    objective: Objective,
    pairs: Pairs,
    noise: Noise,
    draws: int,
    iwae_samples: int,
) -> dict[str, float]:
    """Return the metrics that only models with this objective have; none for reconstruction.

    `pairs` are what the encoder sees and the images; `draws` latents are drawn for each image, and
    `iwae_samples` for the importance-weighted bound.
    """
    for kind, metrics in FAMILIES.items():
        if isinstance(objective, kind):
            return metrics(model, objective, pairs, noise, draws, iwae_samples)
    return {}


def variational(
    model: VariationalAutoencoder,
    objective: Variational,
    pairs: Pairs,
    noise: Noise,
    draws: int,
    iwae_samples: int,
) -> dict[str, float]:
    """Return `elbo` and `kl`, in nats per image, `active_units`, and the means of `bounds`.

    The bound is an average over `draws` latents for each image; for the Gaussian likelihood
    it lacks the constant (C·H·W / 2)·log π. A unit is active where the variance, over images, of
    its posterior mean is above 0.01 (Burda et al., arXiv 1509.00519, section 5.2).
    """
    losses, divergences, means, of_images = [], [], [], []
    for seen, images in pairs:
        means.append(model.encode(seen))
        for _ in range(draws):
            terms = objective.terms(model, seen, images, noise)
            losses.append(terms["loss"])
        divergences.append(terms["kl"])
        of_images.append(bounds(model, seen, images, noise, iwae_samples))
    variances = torch.cat(means).flatten(1).var(dim=0)
    return {
        "elbo": -torch.cat(losses).double().mean().item(),
        "kl": torch.cat(divergences).double().mean().item(),
        "active_units": int((variances > ACTIVE).sum()),
        **{name: torch.cat([b[name] for b in of_images]).mean().item() for name in of_images[0]},
    }


def bounds(
    model: VariationalAutoencoder, seen: Tensor, images: Tensor, noise: Noise, samples: int
) -> dict[str, Tensor]:
    """Return three bounds for each image, `(N,)` float64 in nats, whatever the model learnt by.

    `elbo_gaussian` and `elbo_bernoulli` are the evidence lower bound under either likelihood, the
    Gaussian's without its constant. `iwae_bernoulli` is the importance-weighted bound of as many
    `samples` (Burda et al., arXiv 1509.00519, eq. 8). Published figures are of images binarised at
    random by their grey values. This is of the grey images, which by Jensen's inequality is no
    more than the mean over such binarisations.
    """
    mean, log_variance = (part.double() for part in model.posterior(seen))
    kl = kl_to_standard_normal(mean, log_variance)
    squared, likelihoods, log_weights = [], [], []
    for _ in range(samples):
        normal = noise.normal(mean.shape).double()
        latents = mean + normal * (log_variance / 2).exp()
        logits = model.decode(latents.float())
        squared.append(squared_error(logits, images).sum(1, dtype=torch.float64))
        likelihoods.append(-cross_entropy(logits, images).sum(1, dtype=torch.float64))
        # log p(z) - log q(z|x): both normal, so that the constants cancel
        log_ratio = (normal.square() + log_variance - latents.square()).flatten(1).sum(1) / 2
        log_weights.append(likelihoods[-1] + log_ratio)
    return {
        "elbo_gaussian": -torch.stack(squared).mean(0) - kl,
        "elbo_bernoulli": torch.stack(likelihoods).mean(0) - kl,
        "iwae_bernoulli": torch.stack(log_weights).logsumexp(0) - math.log(samples),
    }


def adversarial(
    model: Autoencoder,
    objective: Adversarial,
    pairs: Pairs,
    noise: Noise,
    draws: int,
    iwae_samples: int,
) -> dict[str, float]:
    """Return `discriminator_accuracy`, `code_mean` and `code_std`.

    The accuracy is over the codes of the images and as many draws from the prior; 0.5 is a
    discriminator that cannot tell them apart. Mean and standard deviation are over all codes'
    entries; the prior's are 0 and 1.
    """
    codes = torch.cat([model.encode(seen) for seen, _ in pairs])
    prior = noise.normal(codes.shape)
    right_fake = objective.discriminate(codes) < 0
    right_real = objective.discriminate(prior.to(codes.device)) > 0
    right = torch.cat([right_fake, right_real]).double()
    return {
        "discriminator_accuracy": right.mean().item(),
        "code_mean": codes.double().mean().item(),
        "code_std": codes.double().std().item(),
    }


FAMILIES: dict[type[Objective], Callable[..., dict[str, float]]] = {
    Variational: variational,
    Adversarial: adversarial,
}
