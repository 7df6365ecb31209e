"""The encoder inputs of a split: their order and their noise."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autoencoders.datasets import batches as batches_module
from autoencoders.trained.pairs import encode_pairs, pairs
from autoencoders.variants.inputs import Clean, Downsampled, Noisy
from tests.subjects import VAE, loaded, untrained

Blobs = Callable[..., Tensor]

NOISY = Noisy(0.5, 0.3)


def noisy(images: Tensor, split: str = "test", batch_size: int = 5, seed: int = 1) -> Tensor:
    return torch.cat([inputs for inputs, _ in pairs(NOISY, images, seed, split, batch_size)])


def test_batches_are_floats_in_order_and_the_last_one_is_smaller(blobs: Blobs) -> None:
    images = blobs(12)
    batches = list(pairs(Downsampled(2, "average"), images, 1, "test", 5))
    assert [inputs.shape for inputs, _ in batches] == [(5, 1, 4, 4), (5, 1, 4, 4), (2, 1, 4, 4)]
    torch.testing.assert_close(torch.cat([clean for _, clean in batches]) * 255, images.float())
    inputs, clean = next(pairs(Clean(), images, 1, "test", 5))
    assert torch.equal(inputs, clean)


def test_batches_of_large_images_are_smaller(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    images = blobs(12)
    monkeypatch.setattr(batches_module, "MAX_BATCH_VALUES", 200)  # three images of 64 numbers
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 5)] == [3, 3, 3, 3]
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 2)] == [2] * 6
    monkeypatch.setattr(batches_module, "MAX_BATCH_VALUES", 2)
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 5)] == [1] * 12


def test_noise_is_the_same_in_each_call_and_for_each_batch_size(blobs: Blobs) -> None:
    images = blobs(12)
    assert torch.equal(noisy(images), noisy(images))
    for batch_size in (1, 7, 100):
        torch.testing.assert_close(noisy(images, batch_size=batch_size), noisy(images))


def test_noise_differs_between_images_seeds_and_splits(blobs: Blobs) -> None:
    twins = blobs(1).expand(4, -1, -1, -1)
    assert len({tuple(image.flatten().tolist()) for image in noisy(twins)}) == 4
    assert not torch.equal(noisy(twins, seed=1), noisy(twins, seed=2))
    assert not torch.equal(noisy(twins, "test"), noisy(twins, "train"))


@pytest.mark.parametrize("count", [1, 3, 12])
def test_figures_and_metrics_have_the_same_noise(count: int, blobs: Blobs) -> None:
    images = blobs(12)
    trained = loaded(untrained(VAE, (1, 8, 8)), images, seed=1)
    inputs, originals = trained.first_test_pairs(count, NOISY)
    torch.testing.assert_close(inputs, noisy(images)[:count])
    torch.testing.assert_close(originals * 255, images[:count].float())


def test_all_inputs_are_encoded_in_order_for_any_batch_size(blobs: Blobs) -> None:
    images = blobs(6)
    for size in (4, 6):
        codes = encode_pairs(lambda batch: -batch, pairs(Clean(), images, 1, "test", size))
        torch.testing.assert_close(codes * -255, images.float())
