"""Compares bounds and active units with torch.distributions and NumPy."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, distributions, nn

from autoencoders.evaluation import bounds
from autoencoders.param_types import Likelihood
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.models.mlp import MlpAE, MlpVAE
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import draw, negative_log_likelihood, squared_error
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from autoencoders.variants.priors.base import Prior
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL
from tests.subjects import assembled_with, loaded, settings

Blobs = Callable[..., Tensor]
Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
LATENT = 3
WITH_LIKELIHOOD = {"elbo", "elbo_gaussian", "elbo_bernoulli", "iwae_bernoulli", "kl"}


@pytest.fixture
def vae() -> MlpVAE:
    """A network whose posteriors differ between images and are far from the prior."""
    torch.manual_seed(0)
    vae = MlpVAE(SHAPE, SHAPE, [16], LATENT)
    with torch.no_grad():
        vae.mean.weight *= 4
        vae.log_variance.bias.add_(torch.tensor([-2.0, -1.0, 0.5]))
    return vae.eval()


def measure(
    network: Autoencoder,
    objective: Objective,
    images: Tensor,
    draws: int = 1,
    batch_size: int = 7,
    iwae_samples: int = 2,
    iwae_images: int = 100,
) -> dict[str, float]:
    assembled = assembled_with(objective, network, SHAPE)
    evaluation = settings(elbo_draws=draws, iwae_samples=iwae_samples, iwae_images=iwae_images)
    return bounds.measure(loaded(assembled, images, batch_size=batch_size), evaluation)


def test_a_model_without_posterior_has_no_bounds(blobs: Blobs) -> None:
    assert measure(MlpAE(SHAPE, SHAPE, [16], LATENT), Reconstruction("bce"), blobs(8)) == {}


@torch.no_grad()
def test_kl_equals_torch_distributions(vae: MlpVAE, blobs: Blobs, pictures: Pictures) -> None:
    mean, log_variance = vae.posterior(pictures(20))
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    prior = distributions.Normal(0.0, 1.0)
    expected = distributions.kl_divergence(posterior, prior).sum(1).mean().item()
    measured = measure(vae, Variational("gaussian"), blobs(20))["kl"]
    assert measured == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@torch.no_grad()
def test_elbo_is_expected_log_likelihood_minus_kl(
    likelihood: Likelihood, vae: MlpVAE, blobs: Blobs, pictures: Pictures
) -> None:
    images, draws = pictures(20), 400
    mean, log_variance = vae.posterior(images)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    torch.manual_seed(1)
    logits = vae.decode(posterior.sample((draws,)).flatten(0, 1)).unflatten(0, (draws, -1))
    bounds = log_likelihood(likelihood, logits, images) - distributions.kl_divergence(
        posterior, distributions.Normal(0.0, 1.0)
    ).sum(1)
    measured = measure(vae, Variational(likelihood), blobs(20), draws)["elbo"]
    # Both are means over equally many draws; the mean of an image is constant.
    standard_error = (bounds.var(0).mean() / bounds.numel() * 2).sqrt().item()
    assert measured == pytest.approx(bounds.mean().item(), abs=4 * standard_error)
    assert 4 * standard_error < 0.01 * abs(measured)


def log_likelihood(likelihood: Likelihood, logits: Tensor, images: Tensor) -> Tensor:
    """Return log p(x|z) from torch.distributions for logits `(…, C, H, W)`."""
    if likelihood == "gaussian":
        # The tested function omits the constant ½·log π of each pixel.
        density = distributions.Normal(logits.sigmoid(), math.sqrt(0.5)).log_prob(images)
        density += math.log(math.pi) / 2
    else:
        density = distributions.Bernoulli(logits=logits, validate_args=False).log_prob(images)
    return density.sum((-3, -2, -1))


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_bounds_do_not_depend_on_the_likelihood_in_training(
    likelihood: Likelihood, vae: MlpVAE, blobs: Blobs
) -> None:
    measured = measure(vae, Variational(likelihood), blobs(20))
    other: Likelihood = "bernoulli" if likelihood == "gaussian" else "gaussian"
    of_other = measure(vae, Variational(other), blobs(20))
    assert measured["elbo"] == measured[f"elbo_{likelihood}"] == of_other[f"elbo_{likelihood}"]
    assert of_other["elbo"] == measured[f"elbo_{other}"] != measured["elbo"]


# --- objectives and priors that are not in the registries


class Weighted(Objective):
    """An objective with a weighted KL; its loss is not the bound."""

    def __init__(self, likelihood: Likelihood | None, prior: Prior | None) -> None:
        self.likelihood = likelihood
        self.prior = prior

    def check(self, model: Autoencoder) -> None:
        pass

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        model = networks.model
        assert isinstance(model, VariationalAutoencoder)
        mean, log_variance = model.posterior(inputs)
        latents = draw(mean, log_variance, noise)
        logits = model.decode(latents)
        loss = squared_error(logits, images).sum(1)
        if self.likelihood is not None:
            loss = negative_log_likelihood(self.likelihood, logits, images).sum(1)
        if (prior := self.prior_of(networks)) is not None:
            loss = loss + self.weighted(prior.kl(mean, log_variance, latents))
        return {"loss": loss, "mse": squared_error(logits, images).mean(1)}

    def weighted(self, kl: Tensor) -> Tensor:
        return 4 * kl


class FreeBits(Weighted):
    """An objective with a constant KL term, because the KL is below the threshold here."""

    def weighted(self, kl: Tensor) -> Tensor:
        return kl.clamp(min=1000.0)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("objective", [Weighted, FreeBits])
def test_elbo_is_the_bound_and_not_the_objectives_loss(
    objective: type[Weighted],
    likelihood: Likelihood,
    vae: MlpVAE,
    blobs: Blobs,
    pictures: Pictures,
    noise: Noise,
) -> None:
    unknown = objective(likelihood, STANDARD_NORMAL)
    measured = measure(vae, unknown, blobs(20), draws=5)
    assert set(measured) == {*WITH_LIKELIHOOD, "active_units"}
    assert measured == measure(vae, Variational(likelihood), blobs(20), draws=5)
    images = pictures(20)
    loss = unknown.terms(Networks(vae, {}), images, images, noise)["loss"].mean().item()
    assert measured["elbo"] > -loss + 2


def test_without_a_likelihood_there_is_no_elbo(vae: MlpVAE, blobs: Blobs) -> None:
    measured = measure(vae, Weighted(None, STANDARD_NORMAL), blobs(20), batch_size=20)
    assert set(measured) == {*WITH_LIKELIHOOD - {"elbo"}, "active_units"}
    # The KL to a standard normal has a closed form, so no random draws change it.
    assert measured["kl"] == measure(vae, Variational("gaussian"), blobs(20), batch_size=20)["kl"]


def test_without_a_prior_only_active_units_are_measured(vae: MlpVAE, blobs: Blobs) -> None:
    expected = measure(vae, Variational("gaussian"), blobs(20))["active_units"]
    likelihoods: list[Likelihood | None] = ["gaussian", None]
    for likelihood in likelihoods:
        measured = measure(vae, Weighted(likelihood, None), blobs(20))
        assert measured == {"active_units": expected}


class ShiftedNormal(Prior):
    """Normal with mean 1 and standard deviation 2; its KL is estimated from a draw."""

    normal = distributions.Normal(1.0, 2.0)

    def draw(self, shape: Sequence[int], noise: Noise) -> Tensor:
        return 1 + 2 * noise.normal(shape)

    def log_density(self, latents: Tensor) -> Tensor:
        return self.normal.log_prob(latents).flatten(1).sum(1)

    def quantiles(self, shares: Tensor) -> Tensor:
        return self.normal.icdf(shares)


@torch.no_grad()
def test_bounds_with_another_prior_equal_torch_distributions(
    vae: MlpVAE, pictures: Pictures
) -> None:
    images, samples, prior = pictures(20), 4, ShiftedNormal()
    noises = [Noise(torch.Generator().manual_seed(0)) for _ in range(3)]
    measured = bounds.bounds(vae, images, images, noises[0], prior, samples)
    elbo, iwae = bounds.importance_weighted(vae, images, images, noises[1], prior, samples)

    mean, log_variance = (part.double() for part in vae.posterior(images))
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    latents = torch.stack(
        [mean + posterior.stddev * noises[2].normal(mean.shape) for _ in range(samples)]
    )
    logits = vae.decode(latents.float().flatten(0, 1)).unflatten(0, (samples, -1)).double()
    log_ratio = (prior.normal.log_prob(latents) - posterior.log_prob(latents)).sum(2)
    bernoulli = log_likelihood("bernoulli", logits, images)
    expected = {
        "kl": -log_ratio.mean(0),
        "elbo_gaussian": (log_likelihood("gaussian", logits, images) + log_ratio).mean(0),
        "elbo_bernoulli": (bernoulli + log_ratio).mean(0),
    }
    torch.testing.assert_close(measured, expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(elbo, expected["elbo_bernoulli"], rtol=1e-5, atol=1e-4)
    importance_weighted = (bernoulli + log_ratio).exp().mean(0).log()
    torch.testing.assert_close(iwae, importance_weighted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@torch.no_grad()
def test_with_another_prior_kl_and_elbo_are_near_their_expected_values(
    likelihood: Likelihood, vae: MlpVAE, blobs: Blobs, pictures: Pictures
) -> None:
    draws = 400
    mean, log_variance = vae.posterior(pictures(20))
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    divergence = distributions.kl_divergence(posterior, ShiftedNormal.normal).sum(1).mean().item()
    objective = Weighted(likelihood, ShiftedNormal())
    measured = measure(vae, objective, blobs(20), draws)
    assert measured["kl"] == pytest.approx(divergence, rel=0.02)
    assert abs(divergence - measure(vae, Variational("gaussian"), blobs(20))["kl"]) > 0.5
    # The likelihood term does not depend on the prior.
    usual = measure(vae, Variational(likelihood), blobs(20), draws)
    expected = usual["elbo"] + usual["kl"] - divergence
    assert measured["elbo"] == pytest.approx(expected, rel=5e-3)
    assert measured[f"elbo_{likelihood}"] == pytest.approx(expected, rel=5e-3)


# --- the importance-weighted bound


class Line(VariationalAutoencoder):
    """A model with one latent dimension and a constant posterior that is slightly too wide."""

    latent_shape = (1,)

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.full((len(inputs), 1), 0.5)
        return mean, torch.full_like(mean, math.log(0.5))

    def decode(self, latent: Tensor) -> Tensor:
        weights = torch.linspace(-1, 1, 64)
        return (latent * weights).view(-1, *SHAPE)


def marginal_log_likelihood(images: Tensor, prior: distributions.Normal) -> Tensor:
    """Return log ∫ p(z) Π Bernoulli(x; sigmoid(w z)) dz of `Line` by the trapezoidal rule."""
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    logits = z[:, None] * torch.linspace(-1, 1, 64, dtype=torch.float64)
    conditional = distributions.Bernoulli(logits=logits, validate_args=False)
    density = conditional.log_prob(images.double().flatten(1)[:, None]).sum(2)
    joint = (density + prior.log_prob(z)).exp()
    return torch.trapezoid(joint, z, dim=1).log()


@pytest.mark.slow
def test_iwae_increases_from_elbo_to_log_likelihood(pictures: Pictures, noise: Noise) -> None:
    images = pictures(200)

    def iwae(samples: int) -> float:
        _, of_each = bounds.importance_weighted(
            Line(), images, images, noise, STANDARD_NORMAL, samples
        )
        return of_each.mean().item()

    of_draws = bounds.bounds(Line(), images, images, noise, STANDARD_NORMAL, 2000)
    elbo = of_draws["elbo_bernoulli"].mean().item()
    truth = marginal_log_likelihood(images, distributions.Normal(0.0, 1.0)).mean().item()
    one = sum(iwae(1) for _ in range(50)) / 50
    assert one == pytest.approx(elbo, abs=0.05)  # eq. 8 with one sample is the ELBO
    assert one + 0.05 < iwae(5) < iwae(50) < truth + 0.02
    assert iwae(2000) == pytest.approx(truth, abs=0.02)


def test_the_negative_log_likelihood_of_binary_images_is_minus_the_integral(
    pictures: Pictures,
) -> None:
    images = (pictures(60) > 0.5).float()
    truth = -marginal_log_likelihood(images, distributions.Normal(0.0, 1.0))
    assembled = assembled_with(Variational("bernoulli"), Line(), SHAPE)
    trained = loaded(assembled, (images * 255).byte(), batch_size=7)

    def measured(count: int) -> dict[str, float]:
        return bounds.measure(trained, settings(nll_samples=300, nll_images=count))

    every, some = measured(100), measured(20)
    assert every["nll"] == pytest.approx(truth.mean().item(), abs=0.05)
    error = truth.std().item() / math.sqrt(60)
    assert every["nll_standard_error"] == pytest.approx(error, rel=0.05)
    assert (every["nll_images"], some["nll_images"]) == (60, 20)
    grey = bounds.measure(loaded(assembled, (pictures(6) * 255).byte()), settings())
    assert not {name for name in grey if name.startswith("nll")}


@pytest.mark.slow
def test_iwae_with_another_prior_reaches_the_log_likelihood(
    pictures: Pictures, noise: Noise
) -> None:
    images = pictures(40)
    truth = marginal_log_likelihood(images, ShiftedNormal.normal).mean().item()
    usual = marginal_log_likelihood(images, distributions.Normal(0.0, 1.0)).mean().item()
    _, iwae = bounds.importance_weighted(Line(), images, images, noise, ShiftedNormal(), 2000)
    assert iwae.mean().item() == pytest.approx(truth, abs=0.02)
    assert abs(truth - usual) > 0.2


def test_iwae_of_a_constant_decoder_is_its_log_likelihood(
    vae: MlpVAE, pictures: Pictures, noise: Noise
) -> None:
    assert isinstance(vae.decoder, nn.Sequential)
    with torch.no_grad():
        for layer in (vae.mean, vae.log_variance, vae.decoder[0]):
            assert is_linear(layer)
            layer.get_parameter("weight").zero_()
            layer.get_parameter("bias").zero_()
    images = pictures(6)
    likelihood = distributions.Bernoulli(logits=vae.decode(torch.zeros(6, LATENT))[0])
    binary = images.round()
    arguments = (vae, binary, binary, noise, STANDARD_NORMAL, 3)
    of_draws = bounds.bounds(*arguments)["elbo_bernoulli"]
    expected = likelihood.log_prob(binary).flatten(1).sum(1).double()
    for measured in (of_draws, *bounds.importance_weighted(*arguments)):
        torch.testing.assert_close(measured, expected, rtol=1e-5, atol=1e-4)


def test_weights_that_underflow_as_floats_still_sum(noise: Noise) -> None:
    images = torch.ones(2, 1, 100, 100)

    class Unlikely(Line):
        def decode(self, latent: Tensor) -> Tensor:
            return torch.full((len(latent), 1, 100, 100), -5.0)

    _, iwae = bounds.importance_weighted(Unlikely(), images, images, noise, STANDARD_NORMAL, 50)
    per_pixel = -math.log1p(math.exp(5))
    assert iwae.tolist() == pytest.approx([10_000 * per_pixel] * 2, abs=1)


def test_the_gain_of_iwae_is_estimated_from_some_images(vae: MlpVAE, blobs: Blobs) -> None:
    few, more, every = (
        measure(vae, Variational("gaussian"), blobs(200), 4, iwae_samples=50, iwae_images=count)
        for count in (40, 200, 1000)
    )
    assert more == every
    gain = every["iwae_bernoulli"] - every["elbo_bernoulli"]
    assert gain > 0.5
    assert few["iwae_bernoulli"] == pytest.approx(every["iwae_bernoulli"], abs=0.1 * gain)
    assert {**few, "iwae_bernoulli": 0} == {**every, "iwae_bernoulli": 0}


@pytest.mark.parametrize(("total", "count"), [(10, 10), (10, 3), (7, 2), (10_000, 2000), (5, 9)])
def test_evenly_spaced_images_have_equal_gaps(total: int, count: int) -> None:
    chosen = bounds.evenly_spaced(total, count).nonzero().flatten()
    assert len(chosen) == min(total, count)
    steps = chosen.diff(append=torch.tensor([total]))
    assert steps.max() - steps.min() <= 1


@torch.no_grad()
def test_a_unit_is_active_if_its_mean_varies_between_images(
    vae: MlpVAE, blobs: Blobs, pictures: Pictures
) -> None:
    images = pictures(30)
    assert measure(vae, Variational("gaussian"), blobs(30))["active_units"] == LATENT
    vae.mean.weight[1] = 0
    vae.mean.weight[2] *= math.sqrt(0.009 / vae.encode(images)[:, 2].var().item())
    variances = np.var(vae.encode(images).numpy(), axis=0, ddof=1)
    assert variances[2] == pytest.approx(0.009, rel=1e-4)  # slightly below the threshold
    assert measure(vae, Variational("gaussian"), blobs(30))["active_units"] == 1


def test_only_random_draws_depend_on_the_batch_size(vae: MlpVAE, blobs: Blobs) -> None:
    one, many = (
        measure(vae, Variational("gaussian"), blobs(40), 50, b, iwae_samples=200) for b in (40, 7)
    )
    assert one == pytest.approx(many, rel=5e-3)
    assert one["kl"] == pytest.approx(many["kl"], rel=1e-6)


def is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear)
