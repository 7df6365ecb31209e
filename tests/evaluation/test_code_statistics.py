"""Compares code statistics and discriminator accuracy with NumPy."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, distributions, nn

from autoencoders.evaluation import code_statistics
from autoencoders.evaluation.results import Metrics
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.mlp import Flattened, MlpAE, MlpVAE
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL
from tests.subjects import assembled_with, loaded

Blobs = Callable[..., Tensor]
Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
LATENT = 3


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train fresh discriminators in two steps; the default takes seconds."""
    monkeypatch.setattr(code_statistics, "FRESH_STEPS", 2)


@pytest.fixture
def autoencoder(few_steps: None) -> MlpAE:
    torch.manual_seed(0)
    return MlpAE(SHAPE, SHAPE, [16], LATENT).eval()


def measure(
    network: Autoencoder,
    objective: Objective,
    images: Tensor,
    *,
    batch_size: int = 7,
    discriminator: nn.Module | None = None,
) -> Metrics:
    assembled = assembled_with(objective, network, SHAPE)
    if discriminator is not None:
        networks = Networks(network, {"discriminator": discriminator})
        assembled = replace(assembled, networks=networks)
    return code_statistics.measure(loaded(assembled, images, batch_size=batch_size))


def test_a_model_without_a_prior_has_no_code_statistics(autoencoder: MlpAE, blobs: Blobs) -> None:
    assert measure(autoencoder, Reconstruction("bce"), blobs(8)) == {}


def test_a_model_with_a_posterior_has_no_code_statistics(blobs: Blobs) -> None:
    assert measure(MlpVAE(SHAPE, SHAPE, [16], LATENT), Variational("gaussian"), blobs(8)) == {}


@torch.no_grad()
def test_code_mean_and_std_are_over_all_entries(
    autoencoder: MlpAE, blobs: Blobs, pictures: Pictures
) -> None:
    measured = measure(autoencoder, Adversarial((LATENT,), [4]), blobs(20))
    code_statistics = autoencoder.encode(pictures(20)).double().numpy()
    assert measured["code_mean"] == pytest.approx(code_statistics.mean(), rel=1e-5)
    assert measured["code_std"] == pytest.approx(code_statistics.std(ddof=1), rel=1e-5)


class Matching(Objective):
    """An objective that matches moments; it has a prior but no discriminator."""

    prior = STANDARD_NORMAL

    def check(self, model: Autoencoder) -> None:
        pass

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        raise NotImplementedError


def test_another_objective_with_a_prior_has_code_mean_and_std(
    autoencoder: MlpAE, blobs: Blobs
) -> None:
    known = measure(autoencoder, Adversarial((LATENT,), [4]), blobs(20))
    del known["discriminator_accuracy"]
    assert measure(autoencoder, Matching(), blobs(20)) == known


@pytest.mark.parametrize(
    ("weight", "bias", "accuracy"),
    [
        (0.0, 1.0, 0.5),  # classifies everything as real
        (
            -1.0,
            10.0,
            1.0,
        ),  # classifies small entries as real, and thus the codes, shifted by 20, as fake
        (1.0, -10.0, 0.0),  # always wrong
    ],
)
@torch.no_grad()
def test_discriminator_accuracy_is_over_codes_and_prior_draws(
    weight: float, bias: float, accuracy: float, autoencoder: MlpAE, blobs: Blobs
) -> None:
    assert isinstance(autoencoder.encoder, Flattened)
    last = list(autoencoder.encoder.children())[-1]
    assert isinstance(last, nn.Linear)
    last.bias.add_(20)
    measured = measure(
        autoencoder,
        Adversarial((LATENT,), [1]),
        blobs(50),
        discriminator=threshold(weight, bias),
    )
    assert measured["discriminator_accuracy"] == accuracy


@torch.no_grad()
def test_accuracy_of_a_threshold_equals_the_normal_distribution(
    autoencoder: MlpAE, blobs: Blobs, pictures: Pictures
) -> None:
    discriminator = threshold(1.0, 0.5)  # real if the first entry is above -½
    on_codes = (autoencoder.encode(pictures(4000))[:, 0] < -0.5).double().mean().item()
    on_prior = distributions.Normal(0.0, 1.0).cdf(torch.tensor(0.5)).item()
    measured = measure(
        autoencoder, Adversarial((LATENT,), [1]), blobs(4000), discriminator=discriminator
    )
    expected = (on_codes + on_prior) / 2
    error = 4 * 0.5 / math.sqrt(8000)
    assert measured["discriminator_accuracy"] == pytest.approx(expected, abs=error)


def test_nothing_depends_on_the_batch_size(autoencoder: MlpAE, blobs: Blobs) -> None:
    discriminator = threshold(1.0, 0.5)
    one, many = (
        measure(
            autoencoder,
            Adversarial((LATENT,), [4]),
            blobs(40),
            batch_size=batch_size,
            discriminator=discriminator,
        )
        for batch_size in (40, 7)
    )
    assert one == pytest.approx(many, rel=1e-5)


@torch.no_grad()
def threshold(weight: float, bias: float) -> nn.Module:
    """Return a discriminator that depends only on the first entry."""
    linear = nn.Linear(LATENT, 1)
    linear.weight[:] = torch.tensor([weight, 0, 0])
    linear.bias[:] = bias
    return nn.Sequential(linear)


@pytest.mark.slow
def test_a_fresh_discriminator_is_right_in_half_of_the_cases_only_for_equal_distributions() -> None:
    codes, draws = torch.randn(2, 1000, 4, generator=torch.Generator().manual_seed(1))
    accuracy = code_statistics.two_sample_accuracy
    assert accuracy(codes, draws, seed=1) == pytest.approx(0.5, abs=0.06)
    assert accuracy(codes + 3, draws, seed=1) > 0.95
    # Equal mean and variance in each entry, but another distribution.
    assert accuracy(codes.sign(), draws, seed=1) > 0.95


@pytest.mark.usefixtures("few_steps")
def test_a_fresh_discriminator_depends_only_on_its_arguments() -> None:
    codes, draws = torch.randn(2, 100, 4)
    accuracies = [code_statistics.two_sample_accuracy(codes, draws, seed) for seed in (1, 1, 2)]
    assert accuracies[0] == accuracies[1] != accuracies[2]
