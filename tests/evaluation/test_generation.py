"""Compares Fréchet distances with SciPy and torchmetrics; tests the metrics of samples."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from autoencoders import randomness
from autoencoders.evaluation import generation
from autoencoders.evaluation.generation import class_metrics
from autoencoders.evaluation.results import Metrics
from autoencoders.samplers import SAMPLERS
from autoencoders.samplers.build import build
from autoencoders.trained.classifier import moments
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Objective
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL
from tests.subjects import assembled_with, judge, loaded, settings

Blobs = Callable[..., Tensor]
Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
FITTED = [name for name, sampler in SAMPLERS.items() if sampler.needs_codes]
ALWAYS = {"frechet_samples", "frechet_reconstructions"}
OF_PRIOR = {"frechet_prior", "sample_confidence", "sample_coverage"}


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the Fréchet distance between features `(N, d)`."""
    return generation.frechet_distance(moments(a), moments(b))


def two_clouds(n: int = 500, d: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, n, d, generator=generator)
    return a @ torch.randn(d, d, generator=generator), b @ torch.rand(d, d) + 1


def test_the_distance_equals_scipys_matrix_square_root() -> None:
    a, b = two_clouds()
    x, y = a.double().numpy(), b.double().numpy()
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(first + second - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)


class Flatten(nn.Module):
    num_features = 12

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def test_the_distance_equals_torchmetrics() -> None:
    a, b = torch.rand(400, 3, 2, 2), torch.rand(400, 3, 2, 2).square()
    reference = FrechetInceptionDistance(Flatten(), normalize=True).set_dtype(torch.float64)
    reference.update(a, real=True)
    reference.update(b, real=False)
    expected = reference.compute().item()
    assert frechet_distance(a.flatten(1), b.flatten(1)) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_a_shift_is_its_square() -> None:
    a, _ = two_clouds()
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * a.shape[1], rel=1e-4)


def test_constant_features_and_more_features_than_images_are_allowed() -> None:
    a, b = two_clouds(n=5, d=20)
    a[:, 0] = b[:, 0] = 0
    assert np.isfinite(frechet_distance(a, b))
    assert frechet_distance(a, b) >= 0


def test_confidence_and_coverage_of_known_probabilities() -> None:
    sure, doubtful = [0.95, 0.05, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]
    measured = class_metrics(torch.tensor([sure, sure, doubtful, sure[::-1]]))
    assert measured["sample_confidence"] == 0.75
    one_class = class_metrics(torch.tensor([[1.0, 0.0, 0.0, 0.0]] * 3))
    assert one_class == {"sample_confidence": 1, "sample_coverage": 0.25}
    assert class_metrics(torch.eye(4))["sample_coverage"] == pytest.approx(1)
    half = torch.eye(4)[:2]  # equally often two of four classes
    assert class_metrics(half)["sample_coverage"] == pytest.approx(0.5)


class IdentityAutoencoder(Autoencoder):
    """An autoencoder whose encoder and decoder only reshape; latents are `(N, 64)`."""

    latent_shape = (64,)

    def encode(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1).logit(eps=1e-6)

    def decode(self, latent: Tensor) -> Tensor:
        return latent.view(-1, *SHAPE)


class LargeLatentAutoencoder(IdentityAutoencoder):
    latent_holds_input: ClassVar[bool] = True


@pytest.fixture
def network() -> ConvClassifier:
    return ConvClassifier(SHAPE, classes=3, channels=[4, 4], features=5).requires_grad_(False)


def measure(
    objective: Objective,
    classifier: ConvClassifier | None,
    test: Tensor,
    train: Tensor | None = None,
    model: Autoencoder | None = None,
    **changes: object,
) -> Metrics:
    images = {"train": test if train is None else train, "validation": test, "test": test}
    assembled = assembled_with(objective, model or IdentityAutoencoder(), SHAPE)
    trained = loaded(assembled, images, batch_size=16)
    of_images = None if classifier is None else judge(classifier, test)
    return generation.measure(trained, of_images, settings(**changes))


def test_reconstructions_and_samples_are_compared_with_the_images(
    network: ConvClassifier, blobs: Blobs, pictures: Pictures
) -> None:
    measured = measure(Adversarial((64,), [4]), network, blobs(48))
    noise = randomness.noise(0, "test/samples")
    samples = torch.cat([noise.normal((16, 64)) for _ in range(3)]).sigmoid().view(-1, *SHAPE)
    features = network.features(pictures(48))
    assert measured["frechet_samples"] == 48
    assert measured["frechet_reconstructions"] == pytest.approx(0, abs=1e-5)
    assert measured["frechet_prior"] == pytest.approx(
        frechet_distance(features, network.features(samples)), rel=1e-5
    )
    expected = class_metrics(network(samples).softmax(1))
    assert expected == pytest.approx({name: measured[name] for name in expected}, rel=1e-5)


@pytest.mark.parametrize("name", FITTED)
def test_samplers_are_fitted_to_the_first_training_codes(
    name: str, network: ConvClassifier, blobs: Blobs, pictures: Pictures
) -> None:
    test, train = blobs(16), blobs(60, SHAPE, 1)
    measured = measure(
        Reconstruction("bce"), network, test, train, samplers=[name], fitted_codes=40
    )
    assert set(measured) == {*ALWAYS, f"frechet_{name}"}
    sampler = build(name, None)
    assert sampler is not None
    sampler.fit(IdentityAutoencoder().encode(pictures(60, SHAPE, 1)[:40]))
    drawn = (
        IdentityAutoencoder()
        .decode(sampler.draw(16, randomness.noise(0, "test/samples")))
        .sigmoid()
    )
    expected = frechet_distance(network.features(pictures(16)), network.features(drawn))
    assert measured[f"frechet_{name}"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_each_sampler_in_the_settings_has_a_distance(
    name: str, network: ConvClassifier, blobs: Blobs
) -> None:
    every, adversarial = list(SAMPLERS), Adversarial((64,), [4])
    alone = measure(adversarial, network, blobs(32), samplers=[name])
    of_name = OF_PRIOR if name == "prior" else {f"frechet_{name}"}
    assert set(alone) == ALWAYS | of_name
    together = measure(adversarial, network, blobs(32), samplers=every)
    assert set(together) == {*ALWAYS, *OF_PRIOR, *(f"frechet_{other}" for other in every)}
    assert together[f"frechet_{name}"] == alone[f"frechet_{name}"]
    assert np.isfinite(alone[f"frechet_{name}"])


def test_a_variant_without_prior_has_no_prior_samples(
    network: ConvClassifier, blobs: Blobs
) -> None:
    measured = measure(Reconstruction("bce"), network, blobs(32))
    assert set(measured) == ALWAYS
    measured = measure(Reconstruction("bce"), network, blobs(32), samplers=list(SAMPLERS))
    assert set(measured) == {*ALWAYS, *(f"frechet_{name}" for name in FITTED)}


def test_no_sampler_is_fitted_to_a_latent_as_large_as_the_input(
    network: ConvClassifier, blobs: Blobs
) -> None:
    class WithPrior(Reconstruction):
        prior = STANDARD_NORMAL

    model, every = LargeLatentAutoencoder(), list(SAMPLERS)
    plain = measure(Reconstruction("bce"), network, blobs(32), model=model, samplers=every)
    assert set(plain) == ALWAYS
    drawn = measure(WithPrior("bce"), network, blobs(32), model=model, samplers=every)
    assert set(drawn) == {*ALWAYS, *OF_PRIOR}


def test_one_image_has_no_distances_but_metrics_of_samples(
    network: ConvClassifier, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = measure(Adversarial((64,), [4]), network, blobs(1), samplers=list(SAMPLERS))
    assert set(measured) == {"sample_confidence", "sample_coverage"}
    said = capsys.readouterr().err
    assert said.count("left out: samples from ") == len(FITTED)
    assert "left out: Fréchet distances" in said


def test_without_a_classifier_the_result_is_empty(blobs: Blobs) -> None:
    assert measure(Adversarial((64,), [4]), None, blobs(32), samplers=list(SAMPLERS)) == {}
