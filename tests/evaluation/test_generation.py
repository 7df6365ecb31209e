"""Fréchet distances against SciPy and torchmetrics, and what a classifier says of samples."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from autoencoders.classifier import ConvClassifier
from autoencoders.evaluation.generation import (
    class_metrics,
    frechet_distance,
    generation_metrics,
)
from autoencoders.models import Autoencoder
from autoencoders.objectives import Adversarial, Objective, Reconstruction
from autoencoders.randomness import Noise

Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)


def two_clouds(n: int = 500, d: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, n, d, generator=generator)
    return a @ torch.randn(d, d, generator=generator), b @ torch.rand(d, d) + 1


def test_the_distance_is_the_one_of_scipys_matrix_square_root() -> None:
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


def test_the_distance_is_the_one_of_torchmetrics() -> None:
    a, b = torch.rand(400, 3, 2, 2), torch.rand(400, 3, 2, 2).square()
    reference = FrechetInceptionDistance(Flatten(), normalize=True).set_dtype(torch.float64)
    reference.update(a, real=True)
    reference.update(b, real=False)
    expected = reference.compute().item()
    assert frechet_distance(a.flatten(1), b.flatten(1)) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_a_shift_is_its_square_and_of_itself_zero() -> None:
    a, _ = two_clouds()
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * a.shape[1], rel=1e-4)


def test_features_that_never_vary_or_outnumber_the_images_are_no_fault() -> None:
    a, b = two_clouds(n=5, d=20)
    a[:, 0] = b[:, 0] = 0
    assert np.isfinite(frechet_distance(a, b))
    assert frechet_distance(a, b) >= 0


def test_confidence_counts_clear_predictions_and_coverage_how_many_classes_they_use() -> None:
    sure, doubtful = [0.95, 0.05, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]
    measured = class_metrics(torch.tensor([sure, sure, doubtful, sure[::-1]]))
    assert measured["sample_confidence"] == 0.75
    one_class = class_metrics(torch.tensor([[1.0, 0.0, 0.0, 0.0]] * 3))
    assert one_class == {"sample_confidence": 1, "sample_coverage": 0.25}
    assert class_metrics(torch.eye(4))["sample_coverage"] == pytest.approx(1)
    half = torch.eye(4)[:2]  # evenly on two classes of four
    assert class_metrics(half)["sample_coverage"] == pytest.approx(0.5)


class Remembering(Autoencoder):
    """Gives back what it sees, and decodes a latent `(N, 64)` to the logits that it is."""

    latent_shape = (64,)

    def encode(self, seen: Tensor) -> Tensor:
        return seen.flatten(1).logit(eps=1e-6)

    def decode(self, latent: Tensor) -> Tensor:
        return latent.view(-1, *SHAPE)


@pytest.fixture
def network() -> ConvClassifier:
    torch.manual_seed(0)
    return ConvClassifier(SHAPE, classes=3, channels=[4, 4], features=5)


def measure(
    objective: Objective, classifier: ConvClassifier | None, images: Tensor
) -> dict[str, float]:
    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        yield from ((batch, batch) for batch in images.split(16))

    noise = Noise(torch.Generator().manual_seed(0))
    return generation_metrics(Remembering(), objective, classifier, pairs(), noise)


def test_reconstructions_and_samples_are_held_against_the_images(
    network: ConvClassifier, pictures: Pictures
) -> None:
    images = pictures(48)
    measured = measure(Adversarial((64,), [4]), network, images)
    noise = Noise(torch.Generator().manual_seed(0))
    samples = torch.cat([noise.normal((16, 64)) for _ in range(3)]).sigmoid().view(-1, *SHAPE)
    features = network.features(images)
    assert measured["frechet_samples"] == 48
    assert measured["frechet_reconstructions"] == pytest.approx(0, abs=1e-5)
    assert measured["frechet_prior"] == pytest.approx(
        frechet_distance(features, network.features(samples)), rel=1e-5
    )
    expected = class_metrics(network(samples).softmax(1))
    assert expected == pytest.approx({name: measured[name] for name in expected}, rel=1e-5)


def test_what_has_no_prior_has_no_samples(network: ConvClassifier, pictures: Pictures) -> None:
    measured = measure(Reconstruction("bce"), network, pictures(32))
    assert set(measured) == {"frechet_samples", "frechet_reconstructions"}


def test_without_a_classifier_every_number_is_absent(pictures: Pictures) -> None:
    assert measure(Adversarial((64,), [4]), None, pictures(32)) == {}
