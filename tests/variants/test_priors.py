import math
from inspect import signature
from math import prod

import pytest
import torch
from torch import Tensor, distributions

from autoencoders.randomness import Noise
from autoencoders.variants.models.mlp import MlpVAE
from autoencoders.variants.objectives.base import Networks
from autoencoders.variants.priors import PRIORS
from autoencoders.variants.priors.base import Prior, gaussian_log_density
from autoencoders.variants.priors.mixture import GaussianMixture, Vamp
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL, StandardNormal

STANDARD = distributions.Normal(0.0, 1.0)


def posterior(rows: int, *latent_shape: int) -> tuple[Tensor, Tensor]:
    """Return means and log-variances of different Gaussians."""
    return torch.randn(rows, *latent_shape), torch.randn(rows, *latent_shape)


# --- every prior


SHAPE = (1, 4, 4)


def build(kind: str, latent_shape: tuple[int, ...]) -> tuple[Prior, MlpVAE]:
    """Return a prior of five components and its model, both with random parameters."""
    torch.manual_seed(0)
    vae = MlpVAE(SHAPE, SHAPE, hidden=[8], latent_size=prod(latent_shape))
    arguments = {"latent_shape": latent_shape, "input_shape": SHAPE, "components": 5}
    taken = signature(PRIORS[kind]).parameters
    family = PRIORS[kind](**{name: value for name, value in arguments.items() if name in taken})
    networks = Networks(vae, family.networks()).requires_grad_(False)
    for parameter in networks.parameters():
        parameter.normal_(std=0.4)
    return family.prior(vae, networks.objective), vae


@pytest.fixture(params=PRIORS)
def prior(request: pytest.FixtureRequest) -> Prior:
    return build(request.param, (3,))[0]


def test_draws_have_the_requested_shape_and_come_from_the_noise_argument(prior: Prior) -> None:
    def drawn(global_seed: int, seed: int) -> Tensor:
        torch.manual_seed(global_seed)
        return prior.draw((5, 3), Noise(torch.Generator().manual_seed(seed)))

    assert drawn(0, seed=1).shape == (5, 3)
    assert torch.equal(drawn(0, seed=1), drawn(5, seed=1))
    assert not torch.equal(drawn(0, seed=1), drawn(0, seed=2))


def test_the_share_of_draws_below_a_quantile_is_its_probability(prior: Prior, noise: Noise) -> None:
    probabilities = torch.tensor([0.01, 0.1, 0.5, 0.8, 0.99], dtype=torch.float64)
    draws = prior.draw((100_000, 3), noise).flatten()[:, None]
    below = (draws < prior.quantiles(probabilities)).double().mean(0)
    torch.testing.assert_close(below, probabilities, atol=0.006, rtol=0)


def test_density_and_divergence_are_one_number_per_latent(prior: Prior, noise: Noise) -> None:
    mean, log_variance = posterior(5, 3)
    latents = prior.draw(mean.shape, noise)
    assert prior.log_density(latents).shape == (5,)
    assert prior.kl(mean, log_variance, latents).shape == (5,)


def test_the_mean_of_one_draw_estimates_is_the_divergence(prior: Prior, noise: Noise) -> None:
    mean, log_variance = posterior(6, 3)
    rows = 100_000
    for m, v in zip(mean, log_variance, strict=True):
        means, variances = m.expand(rows, 3), v.expand(rows, 3)
        latents = means + noise.normal((rows, 3)) * (variances / 2).exp()
        estimates = Prior.kl(prior, means, variances, latents)
        five_errors = 5 * estimates.std() / math.sqrt(rows)
        divergence = prior.kl(means, variances, latents).mean()
        assert abs(estimates.mean() - divergence) < five_errors


# --- mixtures


def test_a_mixture_s_density_agrees_with_torch_distributions(noise: Noise) -> None:
    prior, _ = build("gaussian_mixture", (2, 3))
    assert isinstance(prior, GaussianMixture)
    assert prior.log_weights.exp().sum() == pytest.approx(1)
    gaussians = distributions.Normal(prior.means, prior.log_variances.exp().sqrt())
    mixture = distributions.MixtureSameFamily(
        distributions.Categorical(logits=prior.log_weights), distributions.Independent(gaussians, 2)
    )
    latents = prior.draw((7, 2, 3), noise)
    torch.testing.assert_close(prior.log_density(latents), mixture.log_prob(latents))


def test_draws_of_a_mixture_have_its_mean_and_variance(noise: Noise) -> None:
    prior, _ = build("gaussian_mixture", (3,))
    assert isinstance(prior, GaussianMixture)
    weights = prior.log_weights.exp()
    mean = weights @ prior.means
    variance = weights @ (prior.log_variances.exp() + (prior.means - mean).square())
    draws = prior.draw((200_000, 3), noise)
    torch.testing.assert_close(draws.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(draws.var(0), variance, atol=0, rtol=0.03)


def test_vamp_is_the_mean_of_the_posteriors_of_its_pseudo_inputs(noise: Noise) -> None:
    torch.manual_seed(0)
    vae = MlpVAE(SHAPE, SHAPE, hidden=[8], latent_size=2)
    family = Vamp(input_shape=SHAPE, components=4)
    networks = Networks(vae, family.networks())
    (parameters,) = networks.objective.parameters()
    pseudo_inputs = parameters.sigmoid().view(4, *SHAPE)
    latents = noise.normal((6, 2))
    densities = [
        distributions.Normal(mean, (log_variance / 2).exp()).log_prob(latents).sum(1).exp()
        for mean, log_variance in zip(*vae.posterior(pseudo_inputs), strict=True)
    ]
    found = family.prior(vae, networks.objective).log_density(latents)
    torch.testing.assert_close(found, torch.stack(densities).mean(0).log())
    found.sum().backward()  # the encoder and the pseudo-inputs learn from the density
    assert all(p.grad is not None for p in [*networks.objective.parameters(), vae.mean.weight])


# --- the standard normal distribution


def test_the_default_prior_is_registered_as_standard_normal() -> None:
    assert isinstance(STANDARD_NORMAL, StandardNormal)
    assert PRIORS["standard_normal"] is StandardNormal


def test_standard_normal_density_agrees_with_torch_distributions() -> None:
    latents = 2 * torch.randn(6, 2, 3)
    expected = STANDARD.log_prob(latents).sum((1, 2))
    torch.testing.assert_close(STANDARD_NORMAL.log_density(latents), expected)


def test_a_gaussian_s_density_agrees_with_torch_distributions() -> None:
    mean, log_variance = posterior(6, 2, 3)
    latents = 2 * torch.randn(6, 2, 3)
    expected = distributions.Normal(mean, (log_variance / 2).exp()).log_prob(latents).sum((1, 2))
    torch.testing.assert_close(gaussian_log_density(latents, mean, log_variance), expected)


def test_standard_normal_quantiles_agree_with_torch_distributions() -> None:
    probabilities = torch.linspace(0.001, 0.999, 101, dtype=torch.float64)
    quantiles = STANDARD_NORMAL.quantiles(probabilities)
    assert quantiles.dtype == torch.float64
    torch.testing.assert_close(quantiles, STANDARD.icdf(probabilities))


def test_standard_normal_draws_equal_the_noise() -> None:
    drawn = STANDARD_NORMAL.draw((7, 2), Noise(torch.Generator().manual_seed(3)))
    assert torch.equal(drawn, torch.randn(7, 2, generator=torch.Generator().manual_seed(3)))


def test_kl_agrees_with_torch_distributions() -> None:
    mean, log_variance = posterior(6, 2, 3)
    gaussian = distributions.Normal(mean, log_variance.exp().sqrt())
    expected = distributions.kl_divergence(gaussian, STANDARD).sum((1, 2))
    torch.testing.assert_close(STANDARD_NORMAL.kl(mean, log_variance, mean), expected)


def test_kl_is_the_integral_that_defines_it() -> None:
    mean, log_variance = (x.double() for x in posterior(6, 1))
    deviation = (log_variance / 2).exp()
    z = mean + deviation * torch.linspace(-12, 12, 4001, dtype=torch.float64)  # (6, 4001)
    q = distributions.Normal(mean, deviation).log_prob(z)
    integrand = q.exp() * (q - STANDARD.log_prob(z))
    expected = torch.trapezoid(integrand, z)
    torch.testing.assert_close(STANDARD_NORMAL.kl(mean, log_variance, mean), expected)


def test_kl_is_zero_only_at_the_prior() -> None:
    zero = torch.zeros(1, 2)

    def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
        return STANDARD_NORMAL.kl(mean, log_variance, mean)

    assert kl(zero, zero) == 0
    assert kl(zero + 0.1, zero) > 0
    assert kl(zero, zero - 0.1) > 0


def test_kl_in_closed_form_does_not_depend_on_the_draw() -> None:
    mean, log_variance = posterior(6, 2)
    results = [STANDARD_NORMAL.kl(mean, log_variance, torch.randn(6, 2)) for _ in range(2)]
    assert torch.equal(*results)
