"""Bounds on the log-likelihood for models with a posterior.

The bounds depend on the model's posterior and the prior. The objective's likelihood only selects
the bound that is also reported as `elbo`.
"""

import math

import torch
from torch import Tensor

from autoencoders.datasets.binarization import is_binary
from autoencoders.errors import report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.settings import Evaluation
from autoencoders.param_types import Likelihood
from autoencoders.randomness import Noise
from autoencoders.trained.variant import Trained
from autoencoders.variants.models.base import VariationalAutoencoder
from autoencoders.variants.objectives.losses import draw, negative_log_likelihood
from autoencoders.variants.priors.base import Prior, gaussian_log_density

MIN_ACTIVE_VARIANCE = 0.01  # variance of the posterior mean above which a unit is active


def measure(trained: Trained, settings: Evaluation) -> Metrics:
    """Return the means of the bounds over the test images, in nats per image, and `active_units`.

    The result is empty for a model without a posterior. Without a prior it contains only the
    active units. For binary images it also contains the negative log-likelihood. A unit is active
    if the variance of its posterior mean over the images is above 0.01 (Burda et al., arXiv
    1509.00519, section 5.2).
    """
    if not isinstance(trained.model, VariationalAutoencoder):
        return {}
    measured: Metrics = {}
    if trained.prior is not None:
        measured = _means(trained, trained.model, trained.prior, settings)
        if trained.objective.likelihood is not None:
            measured["elbo"] = measured[f"elbo_{trained.objective.likelihood}"]
        if is_binary(trained.data.images("test")):
            measured |= _negative_log_likelihood(trained, trained.model, trained.prior, settings)
    posterior_means = trained.test_codes.flatten(1)
    if len(posterior_means) < 2:
        report_omission("active units", "they need two or more test images; found 1")
        return measured
    variances = posterior_means.var(dim=0)
    return {**measured, "active_units": int((variances > MIN_ACTIVE_VARIANCE).sum())}


def _means(
    trained: Trained, model: VariationalAutoencoder, prior: Prior, settings: Evaluation
) -> Metrics:
    """Return the means of `bounds` over all test images, and `iwae_bernoulli`.

    The gain of an image is the difference of the two bounds of `importance_weighted`.
    `iwae_bernoulli` is `elbo_bernoulli` plus the mean gain of `iwae_images` images. A few images
    suffice, because the gain varies much less between images than the bound (a control variate).
    For MNIST after one epoch, the standard error of the gain on 2,000 images is 0.07 nats for `vae`
    and 0.13 for `conv_vae`; the standard error of the bound on 10,000 images is 0.57 and 0.48.
    """
    noise, noise_of_weights = trained.noise("test/draws"), trained.noise("test/importance_weights")
    mask = evenly_spaced(len(trained.data.images("test")), settings.iwae_images)
    values, gains = [], []
    batches = zip(trained.pairs("test"), mask.split(trained.images_at_a_time), strict=True)
    for (inputs, images), selected in batches:
        values.append(bounds(model, inputs, images, noise, prior, settings.elbo_draws))
        if selected.any():
            elbo, iwae = importance_weighted(
                model,
                inputs[selected],
                images[selected],
                noise_of_weights,
                prior,
                settings.iwae_samples,
            )
            gains.append(iwae - elbo)
    means = {name: torch.cat([batch[name] for batch in values]).mean().item() for name in values[0]}
    return {
        **means,
        "iwae_bernoulli": means["elbo_bernoulli"] + torch.cat(gains).mean().item(),
    }


def _negative_log_likelihood(
    trained: Trained, model: VariationalAutoencoder, prior: Prior, settings: Evaluation
) -> Metrics:
    """Return `nll` of binary images, its standard error over images and the number of images.

    `nll` is minus the bound of `importance_weighted` with `nll_samples` samples, so its expectation
    is not less than the true value (Burda et al., arXiv 1509.00519, eq. 9).
    """
    noise, batches = trained.noise("test/nll"), trained.pairs("test")
    mask = evenly_spaced(len(trained.data.images("test")), settings.nll_images)
    values = [
        importance_weighted(model, inputs[s], images[s], noise, prior, settings.nll_samples)[1]
        for (inputs, images), s in zip(batches, mask.split(trained.images_at_a_time), strict=True)
        if s.any()
    ]
    nll = -torch.cat(values)
    measured: Metrics = {"nll": nll.mean().item(), "nll_images": len(nll)}
    if len(nll) > 1:
        measured["nll_standard_error"] = (nll.std() / math.sqrt(len(nll))).item()
    return measured


def evenly_spaced(total: int, count: int) -> Tensor:
    """Return a bool mask `(total,)` of `count` evenly spaced rows, or of all if there are fewer.

    The first rows would be a biased sample: the first half of MNIST's test set is easier.
    """
    count = min(total, count)
    mask = torch.zeros(total, dtype=torch.bool)
    mask[torch.arange(count) * total // count] = True
    return mask


def bounds(
    model: VariationalAutoencoder,
    inputs: Tensor,
    images: Tensor,
    noise: Noise,
    prior: Prior,
    draws: int,
) -> dict[str, Tensor]:
    """Return `kl`, `elbo_gaussian` and `elbo_bernoulli` of each image, `(N,)` float64 in nats.

    `inputs` and `images` are `(N, C, H, W)`. The ELBO is E[log p(x|z)] - KL(q(z|x) ‖ p(z))
    (Kingma & Welling, arXiv 1312.6114, eq. 3), averaged over `draws` samples of z. The Gaussian
    ELBO lacks the constant (C·H·W / 2)·log π.
    """
    mean, log_variance = (part.double() for part in model.posterior(inputs))
    kls, gaussian, bernoulli = [], [], []
    for _ in range(draws):
        latents = draw(mean, log_variance, noise)
        logits = model.decode(latents.float())
        kls.append(prior.kl(mean, log_variance, latents))
        gaussian.append(_log_likelihood("gaussian", logits, images))
        bernoulli.append(_log_likelihood("bernoulli", logits, images))
    kl = torch.stack(kls).mean(0)
    return {
        "kl": kl,
        "elbo_gaussian": torch.stack(gaussian).mean(0) - kl,
        "elbo_bernoulli": torch.stack(bernoulli).mean(0) - kl,
    }


def importance_weighted(
    model: VariationalAutoencoder,
    inputs: Tensor,
    images: Tensor,
    noise: Noise,
    prior: Prior,
    samples: int,
) -> tuple[Tensor, Tensor]:
    """Return ELBO and importance-weighted bound of each image, each `(N,)` float64 in nats.

    `inputs` and `images` are `(N, C, H, W)`. Both bounds use the Bernoulli likelihood and the same
    samples z of the posterior, with weights w = p(x|z)·p(z) / q(z|x). The ELBO is the mean of
    log w; the other bound is the logarithm of the mean of w (Burda et al., arXiv 1509.00519,
    eq. 8). Published values are for images that are binarised at random by their grey values. For
    grey images, as here, a bound is at most its mean over such binarisations (Jensen).
    """
    mean, log_variance = (part.double() for part in model.posterior(inputs))
    log_weights = []
    for _ in range(samples):
        latents = draw(mean, log_variance, noise)
        likelihood = _log_likelihood("bernoulli", model.decode(latents.float()), images)
        posterior = gaussian_log_density(latents, mean, log_variance)
        log_weights.append(likelihood + prior.log_density(latents) - posterior)
    stacked = torch.stack(log_weights)
    return stacked.mean(0), stacked.logsumexp(0) - math.log(samples)


def _log_likelihood(likelihood: Likelihood, logits: Tensor, images: Tensor) -> Tensor:
    return -negative_log_likelihood(likelihood, logits, images).sum(1, dtype=torch.float64)
