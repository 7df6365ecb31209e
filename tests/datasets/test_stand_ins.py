import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from autoencoders.datasets import stand_ins
from autoencoders.datasets.stand_ins import generate

grey = pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
each = pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "cifar10"])


@pytest.mark.parametrize(
    ("dataset", "shape"),
    [("mnist", (28, 28)), ("fashion_mnist", (28, 28)), ("cifar10", (3, 32, 32))],
)
def test_images_and_labels(dataset: str, shape: tuple[int, ...]) -> None:
    images, labels = generate(dataset, "train", 100, seed=0)
    assert images.shape == (100, *shape)
    assert labels.shape == (100,)
    assert images.dtype == labels.dtype == np.uint8


@each
def test_classes_are_balanced_and_shuffled(dataset: str) -> None:
    _, labels = generate(dataset, "train", 1005, seed=0)
    assert np.bincount(labels).tolist() == [101] * 5 + [100] * 5
    assert len(np.unique(labels[:100])) == 10


@each
def test_all_images_are_different(dataset: str) -> None:
    images, _ = generate(dataset, "train", 3000, seed=0)
    assert len({image.tobytes() for image in images}) == 3000


@grey
def test_no_image_is_empty_or_full(dataset: str) -> None:
    covered = (generate(dataset, "train", 3000, seed=0)[0] > 10).mean((1, 2))
    assert covered.min() > 0.02
    assert covered.max() < 0.85


@pytest.mark.slow
@each
def test_images_do_not_depend_on_process_threads_and_global_generator(dataset: str) -> None:
    script = (
        "import hashlib, numpy as np; from autoencoders.datasets.stand_ins import generate;"
        f"np.random.seed(1); images, labels = generate({dataset!r}, 'test', 50, seed=3);"
        "print(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())"
    )
    digest = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ).stdout
    images, labels = generate(dataset, "test", 50, seed=3)
    assert digest.strip() == hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


@each
def test_another_seed_or_split_gives_other_images(dataset: str) -> None:
    images = generate(dataset, "train", 50, seed=0)[0]
    assert not np.array_equal(images, generate(dataset, "train", 50, seed=1)[0])
    assert not np.array_equal(images, generate(dataset, "test", 50, seed=0)[0])


def test_no_test_digit_is_a_variant_of_a_training_digit() -> None:
    pictures = [stand_ins._handwriting(split)[0] for split in ("train", "test")]
    assert [len(part) for part in pictures] == [1440, 357]
    assert len({picture.tobytes() for part in pictures for picture in part}) == 1797


def test_digits_fill_twenty_pixels_and_are_centred_by_mass_as_in_mnist() -> None:
    images, _ = generate("mnist", "train", 500, seed=0)
    covered = images > 64
    assert np.median(np.maximum(covered.any(1).sum(1), covered.any(2).sum(1))) in (19, 20, 21)
    mass = images.sum((1, 2))
    for axis in (1, 2):
        centre = images.sum(axis) @ np.arange(28) / mass
        assert abs(centre - 13.5).mean() < 1


@pytest.mark.parametrize(("dataset", "mean"), [("mnist", 0.131), ("fashion_mnist", 0.286)])
def test_the_mean_pixel_is_close_to_the_official_one(dataset: str, mean: float) -> None:
    images, _ = generate(dataset, "train", 1000, seed=0)
    assert images.mean() / 255 == pytest.approx(mean, rel=0.15)


def test_scenes_have_about_the_mean_and_deviation_of_cifar10() -> None:
    images = generate("cifar10", "train", 500, seed=0)[0] / 255
    # The means and standard deviations of red, green and blue in CIFAR-10's training set.
    assert images.mean((0, 2, 3)) == pytest.approx([0.491, 0.482, 0.447], rel=0.15)
    assert images.std((0, 2, 3)) == pytest.approx([0.247, 0.243, 0.262], rel=0.35)


def test_scenes_have_detail_that_downscaling_loses() -> None:
    images = generate("cifar10", "train", 200, seed=0)[0] / 255
    blocks = images.reshape(200, 3, 16, 2, 16, 2)
    averaged = blocks.mean((3, 5), keepdims=True)
    psnr = -10 * np.log10(((blocks - averaged) ** 2).mean((1, 2, 3, 4, 5))).mean()
    assert 22 < psnr < 30  # 24.4 dB on a thousand images of CIFAR-10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "accuracy"), [("mnist", 0.8), ("fashion_mnist", 0.95), ("cifar10", 0.9)]
)
def test_a_small_network_learns_the_classes(dataset: str, accuracy: float) -> None:
    train, train_labels = generate(dataset, "train", 3000, seed=0)
    test, test_labels = generate(dataset, "test", 500, seed=0)
    network = MLPClassifier((64,), max_iter=10, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(flat(train), train_labels)
    assert network.score(flat(test), test_labels) > accuracy


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / np.float32(255)
