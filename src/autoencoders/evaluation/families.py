"""What only one family of autoencoders has: a bound, a discriminator."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from autoencoders.models import Autoencoder, VariationalAutoencoder
from autoencoders.objectives import Adversarial, Objective, Variational
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
) -> dict[str, float]:
    """Return the metrics that only models with this objective have; none for reconstruction.

    `pairs` are what the encoder sees and the images; `draws` latents are drawn for each image.
    """
    for kind, metrics in FAMILIES.items():
        if isinstance(objective, kind):
            return metrics(model, objective, pairs, noise, draws)
    return {}


def variational(
    model: VariationalAutoencoder,
    objective: Variational,
    pairs: Pairs,
    noise: Noise,
    draws: int,
) -> dict[str, float]:
    """Return `elbo` and `kl`, in nats per image, and `active_units`.

    The bound is an average over `draws` latents for each image; for the Gaussian likelihood
    it lacks the constant (C·H·W / 2)·log π. A unit is active where the variance, over images, of
    its posterior mean is above 0.01 (Burda et al., arXiv 1509.00519, section 5.2).
    """
    losses, divergences, means = [], [], []
    for seen, images in pairs:
        means.append(model.encode(seen))
        for _ in range(draws):
            terms = objective.terms(model, seen, images, noise)
            losses.append(terms["loss"])
        divergences.append(terms["kl"])
    variances = torch.cat(means).flatten(1).var(dim=0)
    return {
        "elbo": -torch.cat(losses).double().mean().item(),
        "kl": torch.cat(divergences).double().mean().item(),
        "active_units": int((variances > ACTIVE).sum()),
    }


def adversarial(
    model: Autoencoder,
    objective: Adversarial,
    pairs: Pairs,
    noise: Noise,
    draws: int,
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
