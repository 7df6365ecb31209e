"""What the networks see of a split: in order, and always under the same noise."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autoencoders.datasets import batches as of_images
from autoencoders.trained.pairs import encode_pairs, pairs
from autoencoders.variants.inputs import Clean, Downsampled, Noisy
from tests.subjects import VAE, loaded, untrained

Blobs = Callable[..., Tensor]

NOISY = Noisy(0.5, 0.3)


def seen(images: Tensor, split: str = "test", batch_size: int = 5, seed: int = 1) -> Tensor:
    return torch.cat([s for s, _ in pairs(NOISY, images, seed, split, batch_size)])


def test_images_come_in_order_as_floats_the_last_batch_smaller(blobs: Blobs) -> None:
    images = blobs(12)
    batches = list(pairs(Downsampled(2, "average"), images, 1, "test", 5))
    assert [s.shape for s, _ in batches] == [(5, 1, 4, 4), (5, 1, 4, 4), (2, 1, 4, 4)]
    torch.testing.assert_close(torch.cat([clean for _, clean in batches]) * 255, images.float())
    seen, clean = next(pairs(Clean(), images, 1, "test", 5))
    assert torch.equal(seen, clean)


def test_large_images_come_fewer_at_a_time_and_are_drawn_together(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = blobs(12)
    monkeypatch.setattr(of_images, "MAX_BATCH_VALUES", 200)  # of images of 64 numbers each
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 5)] == [3, 3, 3, 3]
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 2)] == [2] * 6
    monkeypatch.setattr(of_images, "MAX_BATCH_VALUES", 2)
    assert [len(clean) for _, clean in pairs(Clean(), images, 1, "test", 5)] == [1] * 12


def test_noise_is_the_same_each_time_and_for_each_batch_size(blobs: Blobs) -> None:
    images = blobs(12)
    assert torch.equal(seen(images), seen(images))
    for batch_size in (1, 7, 100):
        torch.testing.assert_close(seen(images, batch_size=batch_size), seen(images))


def test_noise_differs_between_images_seeds_and_splits(blobs: Blobs) -> None:
    twins = blobs(1).expand(4, -1, -1, -1)
    assert len({tuple(image.flatten().tolist()) for image in seen(twins)}) == 4
    assert not torch.equal(seen(twins, seed=1), seen(twins, seed=2))
    assert not torch.equal(seen(twins, "test"), seen(twins, "train"))


@pytest.mark.parametrize("count", [1, 3, 12])
def test_figures_show_the_noise_that_was_measured(count: int, blobs: Blobs) -> None:
    images = blobs(12)
    trained = loaded(untrained(VAE, (1, 8, 8)), images, seed=1)
    shown, originals = trained.first_test_pairs(count, NOISY)
    torch.testing.assert_close(shown, seen(images)[:count])
    torch.testing.assert_close(originals * 255, images[:count].float())


def test_all_is_encoded_in_order_whatever_the_size_of_a_batch(blobs: Blobs) -> None:
    images = blobs(6)
    for size in (4, 6):
        codes = encode_pairs(lambda batch: -batch, pairs(Clean(), images, 1, "test", size))
        torch.testing.assert_close(codes * -255, images.float())
