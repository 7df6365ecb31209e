"""The metrics of one family, against torch.distributions and NumPy."""

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, distributions, nn

from autoencoders.evaluation.families import bounds, family_metrics
from autoencoders.models import Autoencoder, VariationalAutoencoder
from autoencoders.models.mlp import MlpAE, MlpVAE
from autoencoders.objectives import Adversarial, Objective, Reconstruction, Variational
from autoencoders.randomness import Noise

Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
LATENT = 3


@pytest.fixture
def vae() -> MlpVAE:
    """A network whose posteriors differ between images and are far from the prior."""
    torch.manual_seed(0)
    vae = MlpVAE(SHAPE, SHAPE, [16], LATENT)
    with torch.no_grad():
        vae.mean.weight *= 4
        vae.log_variance.bias.add_(torch.tensor([-2.0, -1.0, 0.5]))
    return vae.eval()


@pytest.fixture
def autoencoder() -> MlpAE:
    torch.manual_seed(0)
    return MlpAE(SHAPE, SHAPE, [16], LATENT).eval()


def measure(
    model: Autoencoder,
    objective: Objective,
    images: Tensor,
    draws: int = 1,
    batch_size: int = 7,
    seed: int = 0,
    iwae_samples: int = 2,
) -> dict[str, float]:
    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        yield from ((batch, batch) for batch in images.split(batch_size))

    noise = Noise(torch.Generator().manual_seed(seed))
    return family_metrics(model, objective, pairs(), noise, draws, iwae_samples)


def test_a_model_that_only_reconstructs_has_no_metrics_of_its_own(
    autoencoder: MlpAE, pictures: Pictures
) -> None:
    assert measure(autoencoder, Reconstruction("bce"), pictures(8)) == {}


@torch.no_grad()
def test_kl_is_the_mean_divergence_of_the_posteriors(vae: MlpVAE, pictures: Pictures) -> None:
    images = pictures(20)
    mean, log_variance = vae.posterior(images)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    prior = distributions.Normal(0.0, 1.0)
    expected = distributions.kl_divergence(posterior, prior).sum(1).mean().item()
    assert measure(vae, Variational("gaussian"), images)["kl"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
@torch.no_grad()
def test_elbo_is_the_expected_log_likelihood_less_the_divergence(
    likelihood: Literal["gaussian", "bernoulli"], vae: MlpVAE, pictures: Pictures
) -> None:
    images, draws = pictures(20), 400
    mean, log_variance = vae.posterior(images)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    torch.manual_seed(1)
    logits = vae.decode(posterior.sample((draws,)).flatten(0, 1)).unflatten(0, (draws, -1))
    if likelihood == "gaussian":
        # The constant ½·log π for each pixel is left out by what is tested.
        density = distributions.Normal(logits.sigmoid(), math.sqrt(0.5)).log_prob(images)
        density += math.log(math.pi) / 2
    else:
        density = distributions.Bernoulli(logits=logits, validate_args=False).log_prob(images)
    bounds = density.sum((2, 3, 4)) - distributions.kl_divergence(
        posterior, distributions.Normal(0.0, 1.0)
    ).sum(1)
    measured = measure(vae, Variational(likelihood), images, draws)["elbo"]
    # Both are averages of as many draws; an image's own mean does not vary.
    standard_error = (bounds.var(0).mean() / bounds.numel() * 2).sqrt().item()
    assert measured == pytest.approx(bounds.mean().item(), abs=4 * standard_error)
    assert 4 * standard_error < 0.01 * abs(measured)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_bounds_under_both_likelihoods_do_not_depend_on_the_one_that_was_trained(
    likelihood: Literal["gaussian", "bernoulli"], vae: MlpVAE, pictures: Pictures
) -> None:
    images, draws = pictures(20), 300
    measured = measure(vae, Variational(likelihood), images, draws, iwae_samples=draws)
    other: Literal["gaussian", "bernoulli"] = (
        "bernoulli" if likelihood == "gaussian" else "gaussian"
    )
    expected = measure(vae, Variational(other), images, draws)["elbo"]
    assert measured[f"elbo_{likelihood}"] == pytest.approx(measured["elbo"], rel=5e-3)
    assert measured[f"elbo_{other}"] == pytest.approx(expected, rel=5e-3)


class Line(VariationalAutoencoder):
    """One latent dimension; its posterior, the same for all images, is a little too wide."""

    latent_shape = (1,)

    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.full((len(seen), 1), 0.5)
        return mean, torch.full_like(mean, math.log(0.5))

    def decode(self, latent: Tensor) -> Tensor:
        weights = torch.linspace(-1, 1, 64)
        return (latent * weights).view(-1, *SHAPE)


def log_likelihood(images: Tensor) -> Tensor:
    """log ∫ N(z; 0, 1) Π Bernoulli(x; sigmoid(w z)) dz of `Line`, by the trapezoidal rule."""
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    logits = z[:, None] * torch.linspace(-1, 1, 64, dtype=torch.float64)
    conditional = distributions.Bernoulli(logits=logits, validate_args=False)
    density = conditional.log_prob(images.double().flatten(1)[:, None]).sum(2)
    joint = (density + distributions.Normal(0.0, 1.0).log_prob(z)).exp()
    return torch.trapezoid(joint, z, dim=1).log()


def test_the_importance_weighted_bound_rises_from_the_elbo_to_the_likelihood(
    pictures: Pictures,
) -> None:
    images, noise = pictures(200), Noise(torch.Generator().manual_seed(0))

    def iwae(samples: int) -> float:
        of_each = bounds(Line(), images, images, noise, samples)["iwae_bernoulli"]
        return of_each.mean().item()

    elbo = bounds(Line(), images, images, noise, 2000)["elbo_bernoulli"].mean().item()
    truth = log_likelihood(images).mean().item()
    one = sum(iwae(1) for _ in range(50)) / 50
    assert one == pytest.approx(elbo, abs=0.05)  # eq. 8 with one sample is the ELBO
    assert one + 0.05 < iwae(5) < iwae(50) < truth + 0.02
    assert iwae(2000) == pytest.approx(truth, abs=0.02)


def test_the_bound_of_a_decoder_that_ignores_its_latent_is_its_likelihood(
    vae: MlpVAE, pictures: Pictures
) -> None:
    with torch.no_grad():
        for layer in (vae.mean, vae.log_variance, vae.decoder[0]):
            assert is_linear(layer)
            layer.get_parameter("weight").zero_()
            layer.get_parameter("bias").zero_()
    images, noise = pictures(6), Noise(torch.Generator().manual_seed(0))
    likelihood = distributions.Bernoulli(logits=vae.decode(torch.zeros(6, LATENT))[0])
    binary = images.round()
    for name in ("elbo_bernoulli", "iwae_bernoulli"):
        measured = bounds(vae, binary, binary, noise, 3)[name]
        expected = likelihood.log_prob(binary).flatten(1).sum(1).double()
        torch.testing.assert_close(measured, expected, rtol=1e-5, atol=1e-4)


def test_weights_far_too_small_for_a_float_still_add_up(pictures: Pictures) -> None:
    images = torch.ones(2, 1, 100, 100)

    class Unlikely(Line):
        def decode(self, latent: Tensor) -> Tensor:
            return torch.full((len(latent), 1, 100, 100), -5.0)

    noise = Noise(torch.Generator().manual_seed(0))
    measured = bounds(Unlikely(), images, images, noise, 50)["iwae_bernoulli"]
    per_pixel = -math.log1p(math.exp(5))
    assert measured.tolist() == pytest.approx([10_000 * per_pixel] * 2, abs=1)


@torch.no_grad()
def test_a_unit_is_active_where_its_mean_varies_between_images(
    vae: MlpVAE, pictures: Pictures
) -> None:
    images = pictures(30)
    assert measure(vae, Variational("gaussian"), images)["active_units"] == LATENT
    vae.mean.weight[1] = 0
    vae.mean.weight[2] *= math.sqrt(0.009 / vae.encode(images)[:, 2].var().item())
    variances = np.var(vae.encode(images).numpy(), axis=0, ddof=1)
    assert variances[2] == pytest.approx(0.009, rel=1e-4)  # a little below the threshold
    assert measure(vae, Variational("gaussian"), images)["active_units"] == 1


@torch.no_grad()
def test_code_mean_and_std_are_over_all_codes_entries(
    autoencoder: MlpAE, pictures: Pictures
) -> None:
    images = pictures(20)
    measured = measure(autoencoder, Adversarial((LATENT,), [4]), images)
    codes = autoencoder.encode(images).double().numpy()
    assert measured["code_mean"] == pytest.approx(codes.mean(), rel=1e-5)
    assert measured["code_std"] == pytest.approx(codes.std(ddof=1), rel=1e-5)


@pytest.mark.parametrize(
    ("weight", "bias", "accuracy"),
    [
        (0.0, 1.0, 0.5),  # calls everything real
        (-1.0, 10.0, 1.0),  # calls small entries real: knows the codes, moved by 20, for fake
        (1.0, -10.0, 0.0),  # has it the wrong way round
    ],
)
@torch.no_grad()
def test_a_discriminators_accuracy_counts_codes_and_prior_draws_alike(
    weight: float, bias: float, accuracy: float, autoencoder: MlpAE, pictures: Pictures
) -> None:
    last = list(autoencoder.encoder.children())[-1]
    assert isinstance(last, nn.Linear)
    last.bias.add_(20)
    objective = Adversarial((LATENT,), [1])
    linear = nn.Linear(LATENT, 1)
    objective.discriminator = nn.Sequential(linear)
    linear.weight[:] = torch.tensor([weight, 0, 0])
    linear.bias[:] = bias
    measured = measure(autoencoder, objective, pictures(50))
    assert measured["discriminator_accuracy"] == accuracy


@torch.no_grad()
def test_a_discriminator_of_one_threshold_is_right_as_often_as_the_normal_distribution_says(
    autoencoder: MlpAE, pictures: Pictures
) -> None:
    images = pictures(4000)
    objective = Adversarial((LATENT,), [1])
    linear = nn.Linear(LATENT, 1)
    objective.discriminator = nn.Sequential(linear)
    linear.weight[:] = torch.tensor([1.0, 0, 0])
    linear.bias[:] = 0.5  # real where the first entry is above -½
    on_codes = (autoencoder.encode(images)[:, 0] < -0.5).double().mean().item()
    on_prior = distributions.Normal(0.0, 1.0).cdf(torch.tensor(0.5)).item()
    measured = measure(autoencoder, objective, images)["discriminator_accuracy"]
    assert measured == pytest.approx((on_codes + on_prior) / 2, abs=4 * 0.5 / math.sqrt(8000))


def test_nothing_but_the_draws_noise_depends_on_the_batch_size(
    vae: MlpVAE, autoencoder: MlpAE, pictures: Pictures
) -> None:
    images = pictures(40)
    adversarial = Adversarial((LATENT,), [4])
    one, many = (measure(autoencoder, adversarial, images, batch_size=b) for b in (40, 7))
    assert one == pytest.approx(many, rel=1e-5)
    one, many = (
        measure(vae, Variational("gaussian"), images, 50, b, iwae_samples=200) for b in (40, 7)
    )
    assert one == pytest.approx(many, rel=5e-3)
    assert one["kl"] == pytest.approx(many["kl"], rel=1e-6)


def is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear)
