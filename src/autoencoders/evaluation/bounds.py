"""What a model with a posterior has: bounds on the likelihood, by their definitions.

They follow from the model's posterior and from the prior. How the model learnt decides nothing but
under which likelihood `elbo` is: that of its own reconstruction term, if it has one.
"""

import math
from typing import TYPE_CHECKING

from autoencoders.errors import leave_out
from autoencoders.evaluation.metric import Answer, Metric
from autoencoders.evaluation.subject import Subject
from autoencoders.keys import Count, Likelihood
from autoencoders.lazy import Tensor, torch, without_gradients
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.losses import draw, negative_log_likelihood
from autoencoders.variants.priors import Prior
from autoencoders.variants.priors.base import gaussian_log_density

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import VariationalAutoencoder

ACTIVE = 0.01  # a unit is active above this variance of its posterior mean

METRICS = (
    Metric(
        "elbo",
        "ELBO",
        "nats/image",
        "higher",
        2,
        "evidence lower bound, with latents drawn from the posterior",
    ),
    Metric(
        "elbo_gaussian",
        "ELBO, Gaussian",
        "nats/image",
        "higher",
        2,
        "evidence lower bound under a Gaussian of variance ½, without its constant, whatever "
        "likelihood the model learnt by",
    ),
    Metric(
        "elbo_bernoulli",
        "ELBO, Bernoulli",
        "nats/image",
        "higher",
        2,
        "the same under a Bernoulli likelihood of the grey values",
    ),
    Metric(
        "iwae_bernoulli",
        "IWAE, Bernoulli",
        "nats/image",
        "higher",
        2,
        "importance-weighted bound (Burda et al. 2015), tighter than the ELBO beside it",
    ),
    Metric(
        "kl", "KL", "nats/image", None, 2, "divergence of the posterior from the prior, per image"
    ),
    Metric(
        "active_units",
        "active units",
        "",
        None,
        0,
        "latent dimensions whose posterior mean varies from image to image",
    ),
)


@without_gradients
def measure(subject: Subject, *, elbo_draws: Count, iwae_samples: Count) -> Answer:
    """Return `elbo` and `kl`, in nats per image, `active_units`, and the means of `bounds`.

    Nothing for a model without a posterior, and the active units alone without a prior. `elbo` is
    an average over `elbo_draws` latents for each image; for the Gaussian likelihood it lacks the
    constant (C·H·W / 2)·log π. A unit is active where the variance, over images, of its posterior
    mean is above 0.01 (Burda et al., arXiv 1509.00519, section 5.2).
    """
    from autoencoders.variants.networks.base import VariationalAutoencoder

    model, objective = subject.model, subject.assembled.objective
    if not isinstance(model, VariationalAutoencoder):
        return {}
    means, values = [], []
    noise = subject.noise("draws")
    for seen, images in subject.pairs("test"):
        means.append(model.encode(seen))
        if objective.prior is None:
            continue
        of_batch: dict[str, Tensor] = {}
        if objective.likelihood is not None:
            arguments = (model, seen, images, noise, objective.prior)
            of_batch |= elbo(*arguments, objective.likelihood, elbo_draws)
        values.append(of_batch | bounds(model, seen, images, noise, objective.prior, iwae_samples))
    measured: Answer = {
        name: torch.cat([batch[name] for batch in values]).double().mean().item()
        for name in (values[0] if values else ())
    }
    posterior_means = torch.cat(means).flatten(1)
    if len(posterior_means) < 2:
        leave_out("active units", "one test image has no variance")
        return measured
    variances = posterior_means.var(dim=0)
    return {**measured, "active_units": int((variances > ACTIVE).sum())}


def elbo(
    model: "VariationalAutoencoder",
    seen: Tensor,
    images: Tensor,
    noise: Noise,
    prior: Prior,
    likelihood: Likelihood,
    draws: int,
) -> dict[str, Tensor]:
    """Return `elbo` `(draws·N,)`, one value for each draw, in nats.

    Kingma & Welling, arXiv 1312.6114, eq. 3: E[log p(x|z)] - KL(q(z|x) ‖ p(z)).
    """
    mean, log_variance = model.posterior(seen)
    values = []
    for _ in range(draws):
        latents = draw(mean, log_variance, noise)
        losses = negative_log_likelihood(likelihood, model.decode(latents), images).sum(1)
        values.append(-losses - prior.kl(mean, log_variance, latents))
    return {"elbo": torch.cat(values)}


def bounds(
    model: "VariationalAutoencoder",
    seen: Tensor,
    images: Tensor,
    noise: Noise,
    prior: Prior,
    samples: int,
) -> dict[str, Tensor]:
    """Return `kl` and three bounds for each image, `(N,)` float64 in nats.

    `elbo_gaussian` and `elbo_bernoulli` are the evidence lower bound under either likelihood, the
    Gaussian's without its constant. `iwae_bernoulli` is the importance-weighted bound of as many
    `samples` (Burda et al., arXiv 1509.00519, eq. 8). Published figures are of images binarised at
    random by their grey values. This is of the grey images, which by Jensen's inequality is no
    more than the mean over such binarisations.
    """
    mean, log_variance = (part.double() for part in model.posterior(seen))
    kls, squared, likelihoods, log_weights = [], [], [], []
    for _ in range(samples):
        latents = draw(mean, log_variance, noise)
        logits = model.decode(latents.float())
        kls.append(prior.kl(mean, log_variance, latents))
        squared.append(_log_likelihood("gaussian", logits, images))
        likelihoods.append(_log_likelihood("bernoulli", logits, images))
        posterior = gaussian_log_density(latents, mean, log_variance)
        log_weights.append(likelihoods[-1] + prior.log_density(latents) - posterior)
    kl = torch.stack(kls).mean(0)
    return {
        "kl": kl,
        "elbo_gaussian": torch.stack(squared).mean(0) - kl,
        "elbo_bernoulli": torch.stack(likelihoods).mean(0) - kl,
        "iwae_bernoulli": torch.stack(log_weights).logsumexp(0) - math.log(samples),
    }


def _log_likelihood(likelihood: Likelihood, logits: Tensor, images: Tensor) -> Tensor:
    return -negative_log_likelihood(likelihood, logits, images).sum(1, dtype=torch.float64)
