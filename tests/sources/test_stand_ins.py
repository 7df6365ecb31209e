import hashlib
import subprocess
import sys

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from autoencoders.sources.stand_ins import generate

grey = pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
each = pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "cifar10"])


@pytest.mark.parametrize(
    ("dataset", "shape"),
    [("mnist", (28, 28)), ("fashion_mnist", (28, 28)), ("cifar10", (3, 32, 32))],
)
def test_images_and_labels(dataset: str, shape: tuple[int, ...]) -> None:
    images, labels = generate(dataset, 100, seed=0)
    assert images.shape == (100, *shape)
    assert labels.shape == (100,)
    assert images.dtype == labels.dtype == np.uint8


@each
def test_classes_are_balanced_and_shuffled(dataset: str) -> None:
    _, labels = generate(dataset, 1005, seed=0)
    assert np.bincount(labels).tolist() == [101] * 5 + [100] * 5
    assert len(np.unique(labels[:100])) == 10


@grey
def test_every_image_is_another_and_none_is_empty_or_full(dataset: str) -> None:
    images, _ = generate(dataset, 3000, seed=0)
    assert len({image.tobytes() for image in images}) == 3000
    covered = (images > 10).mean((1, 2))
    assert covered.min() > 0.02
    assert covered.max() < 0.85


@each
def test_the_same_in_another_process_whatever_the_global_generator(dataset: str) -> None:
    script = (
        "import hashlib, numpy as np; from autoencoders.sources.stand_ins import generate;"
        f"np.random.seed(1); images, labels = generate({dataset!r}, 50, seed=3);"
        "print(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    images, labels = generate(dataset, 50, seed=3)
    assert told.strip() == hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


@each
def test_another_seed_gives_other_images(dataset: str) -> None:
    assert not np.array_equal(generate(dataset, 50, seed=0)[0], generate(dataset, 50, seed=1)[0])


def test_digits_fill_twenty_pixels_centred_by_mass_as_mnists_do() -> None:
    images, _ = generate("mnist", 500, seed=0)
    covered = images > 64
    assert np.median(np.maximum(covered.any(1).sum(1), covered.any(2).sum(1))) in (19, 20, 21)
    mass = images.sum((1, 2))
    for axis in (1, 2):
        centre = images.sum(axis) @ np.arange(28) / mass
        assert abs(centre - 13.5).max() < 1.5


@pytest.mark.parametrize(("dataset", "mean"), [("mnist", 0.131), ("fashion_mnist", 0.286)])
def test_the_mean_pixel_is_near_the_real_one(dataset: str, mean: float) -> None:
    images, _ = generate(dataset, 1000, seed=0)
    assert images.mean() / 255 == pytest.approx(mean, rel=0.15)


def test_no_two_scenes_are_alike() -> None:
    images, _ = generate("cifar10", 1000, seed=0)
    assert len({image.tobytes() for image in images}) == 1000


def test_scenes_are_about_as_light_and_as_varied_as_cifar10() -> None:
    images = generate("cifar10", 500, seed=0)[0] / 255
    # CIFAR-10's training images have these means and standard deviations of red, green and blue.
    assert images.mean((0, 2, 3)) == pytest.approx([0.491, 0.482, 0.447], rel=0.15)
    assert images.std((0, 2, 3)) == pytest.approx([0.247, 0.243, 0.262], rel=0.35)


def test_scenes_hold_detail_that_a_small_copy_loses() -> None:
    images = generate("cifar10", 200, seed=0)[0] / 255
    blocks = images.reshape(200, 3, 16, 2, 16, 2)
    averaged = blocks.mean((3, 5), keepdims=True)
    psnr = -10 * np.log10(((blocks - averaged) ** 2).mean((1, 2, 3, 4, 5))).mean()
    assert 22 < psnr < 30  # 24.4 dB on a thousand of CIFAR-10's images


def test_a_small_network_tells_the_scenes_apart() -> None:
    train, train_labels = generate("cifar10", 3000, seed=0)
    test, test_labels = generate("cifar10", 500, seed=1)
    network = MLPClassifier((64,), max_iter=10, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(flat(train), train_labels)
    assert network.score(flat(test), test_labels) > 0.5


@grey
def test_a_small_network_learns_the_classes(dataset: str) -> None:
    train, train_labels = generate(dataset, 8000, seed=0)
    test, test_labels = generate(dataset, 1000, seed=1)
    network = MLPClassifier((128,), max_iter=15, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(flat(train), train_labels)
    assert network.score(flat(test), test_labels) > 0.9


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / np.float32(255)
