"""The training of a dataset's classifier, and its accuracy."""

import numpy as np
import pytest
import torch
from torch import nn

from autoencoders.param_types import ImageShape
from autoencoders.randomness import seeded_initialisation
from autoencoders.training import classifier
from autoencoders.training.classifier import measure
from autoencoders.variants.classifier import ConvClassifier
from tests.training.helpers import CPU, SHAPE, Blobs, ProgressLog, halves, tiny_classifier


def untrained() -> ConvClassifier:
    settings = tiny_classifier()
    with seeded_initialisation(1, "classifier"):
        return ConvClassifier(SHAPE, 2, settings.channels, settings.features)


def trained(blobs: Blobs, seed: int = 2) -> ConvClassifier:
    log, images = ProgressLog(), (halves(blobs, 410, 1), halves(blobs, 200, 2))
    network = classifier.train(*images, 2, tiny_classifier(), seed, progress=log)
    assert log.steps == 4 * 20  # an epoch omits its last ten images, a partial batch
    assert [row["epoch"] for row in log.rows] == [1, 2, 3, 4]
    assert log.rows[-1]["train_loss"] < log.rows[0]["train_loss"]
    return network


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((1, 28, 28), [(14, 14), (7, 7), (4, 4)]),
        ((3, 32, 32), [(16, 16), (8, 8), (4, 4)]),
        ((3, 64, 48), [(32, 24), (16, 12), (8, 6)]),
        ((2, 9, 7), [(5, 4), (3, 2), (2, 1)]),
    ],
)
def test_classifier_supports_any_image_shape_and_number_of_classes(
    shape: ImageShape, sizes: list[tuple[int, int]]
) -> None:
    network = ConvClassifier(shape, classes=5, channels=[3, 4, 6], features=7)
    images = torch.rand(2, *shape)
    maps = network.maps(images)
    assert [tuple(m.shape) for m in maps] == [
        (2, c, *size) for c, size in zip([3, 4, 6], sizes, strict=True)
    ]
    features = network.features(images)
    assert features.shape == (2, 7)
    assert network(images).shape == (2, 5)
    torch.testing.assert_close(network(images), network.classes(features))


def test_trained_classifier_is_accurate_on_new_images(blobs: Blobs) -> None:
    test_split = halves(blobs, 500, 3)
    assert measure(untrained(), test_split, CPU)["accuracy"] < 0.8
    assert measure(trained(blobs), test_split, CPU)["accuracy"] > 0.95


def test_the_same_seed_gives_the_same_weights(blobs: Blobs) -> None:
    first, second, other = (list(trained(blobs, seed).parameters()) for seed in (2, 2, 3))
    assert all(map(torch.equal, first, second))
    assert not any(map(torch.equal, first, other))


def test_accuracy_and_loss_are_means_over_images(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "VALIDATION_BATCH", 7)
    network, (images, labels) = untrained(), halves(blobs, 30, 2)
    logits = network(images.float() / 255)
    measured = measure(network, (images, labels), CPU)
    expected = nn.functional.cross_entropy(logits, labels.long()).item()
    assert measured["loss"] == pytest.approx(expected, rel=1e-5)
    correct = logits.argmax(1).numpy() == labels.numpy()
    assert measured["accuracy"] == pytest.approx(np.mean(correct))
