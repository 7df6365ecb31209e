"""Compares PSNR over noise levels with values computed in other ways."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor

from autoencoders.evaluation.noise_sweep import (
    flat_metrics,
    noise_sweep,
    training_noise_range,
    with_noise_level,
)
from autoencoders.trained.pairs import pairs
from autoencoders.variants.inputs import Downsampled, Input, Noisy
from autoencoders.variants.models.base import Autoencoder

Blobs = Callable[..., Tensor]


class Identity(Autoencoder):
    """A network whose output is its input, up to the accuracy of a sigmoid."""

    def encode(self, inputs: Tensor) -> Tensor:
        return inputs

    def decode(self, latent: Tensor) -> Tensor:
        return latent.logit(eps=1e-7)


class Enlargement(Identity):
    """A network whose output repeats each pixel of the input in a block of 2×2."""

    def decode(self, latent: Tensor) -> Tensor:
        blocks = latent.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return blocks.logit(eps=1e-7)


def pairs_of(images: Tensor) -> Callable[[Input], Iterator[tuple[Tensor, Tensor]]]:
    return partial(pairs, images=images, seed=1, split="test", batch_size=7)


def test_each_level_and_the_training_level_are_measured(blobs: Blobs) -> None:
    sweep = noise_sweep(Identity(), Noisy(0.0, 0.3), [0.5, 0.1], pairs_of(blobs(20)))
    assert sweep["trained_at"] == 0.3
    assert sweep["levels"] == [0.1, 0.3, 0.5]
    assert set(sweep["yardsticks"]) == {"noisy_input", "median_filter"}
    assert sweep["psnr"] == pytest.approx(sweep["yardsticks"]["noisy_input"], abs=1e-3)


def test_the_psnr_of_unclamped_noise_follows_from_its_variance() -> None:
    grey = torch.full((50, 1, 16, 16), 128, dtype=torch.uint8)
    sweep = noise_sweep(Identity(), Noisy(0.0, 0.05), [0.01, 0.1], pairs_of(grey))
    # PSNR = −20·log10(std): 40, 26.02 and 20 dB, ± 0.4 dB for each image of 256 pixels.
    assert sweep["psnr"] == pytest.approx([40, 26.02, 20], abs=0.1)


def test_yardsticks_use_the_measured_noise_level(blobs: Blobs) -> None:
    images, noisier = blobs(5, (1, 16, 16)), Noisy(0.0, 0.3, clamp=False)
    sweep = noise_sweep(Identity(), Noisy(0.0, 0.1, clamp=False), [0.3], pairs_of(images))
    alone = noise_sweep(Identity(), noisier, [], pairs_of(images))
    assert sweep["levels"] == [0.1, 0.3]
    for name in ("non_local_means", "wavelet_thresholding"):
        assert sweep["yardsticks"][name][1:] == pytest.approx(alone["yardsticks"][name])


def test_without_noise_the_yardsticks_change_nothing(blobs: Blobs) -> None:
    clean = noise_sweep(Identity(), Noisy(0.0, 0.1, clamp=False), [0.0], pairs_of(blobs(5)))
    yardsticks = {name: curve[0] for name, curve in clean["yardsticks"].items()}
    assert yardsticks["non_local_means"] == yardsticks["noisy_input"] == clean["psnr"][0]


def test_the_training_level_gives_the_inputs_of_the_variant(blobs: Blobs) -> None:
    images, trained = blobs(9), Noisy(0.5, 0.3)
    inputs = torch.cat([inputs for inputs, _ in pairs_of(images)(with_noise_level(trained, 0.3))])
    assert torch.equal(inputs, torch.cat([inputs for inputs, _ in pairs_of(images)(trained)]))
    assert trained.std == 0.3


def test_levels_differ_only_in_the_strength_of_the_noise(blobs: Blobs) -> None:
    images = torch.full((4, 1, 8, 8), 128, dtype=torch.uint8)
    small, large = (
        next(pairs_of(images)(with_noise_level(Noisy(0.1, 0.3), level)))[0]
        for level in (0.01, 0.02)
    )
    mean = 128 / 255 + 0.1
    torch.testing.assert_close(2 * (small - mean), large - mean, atol=1e-6, rtol=0)


def test_reduced_images_get_additional_zero_mean_noise(blobs: Blobs) -> None:
    images, reduced = torch.full((60, 3, 16, 16), 128, dtype=torch.uint8), Downsampled(2, "average")
    noisy = with_noise_level(reduced, 0.1)
    assert noisy.shape((3, 16, 16)) == (3, 8, 8)
    inputs = torch.cat([inputs for inputs, _ in pairs_of(images)(noisy)])
    assert inputs.shape == (60, 3, 8, 8)
    assert inputs.mean().item() == pytest.approx(128 / 255, abs=0.003)
    assert inputs.std().item() == pytest.approx(0.1, abs=0.003)
    assert training_noise_range(reduced) == (0, 0)
    assert training_noise_range(Noisy(0.0, [0.1, 0.2])) == (0.1, 0.2)


def test_reduced_images_without_noise_equal_those_in_training(blobs: Blobs) -> None:
    images, reduced = blobs(10, (1, 16, 16)), Downsampled(2, "bilinear")
    sweep = noise_sweep(Enlargement(), reduced, [0.2], pairs_of(images))
    assert sweep["levels"] == [0.0, 0.2]
    assert set(sweep["yardsticks"]) == {"nearest", "bilinear", "bicubic", "lanczos"}
    assert sweep["psnr"] == pytest.approx(sweep["yardsticks"]["nearest"], abs=1e-3)
    assert sweep["psnr"][0] > sweep["psnr"][1]


def test_a_sweep_as_flat_metrics() -> None:
    sweep = {
        "trained_at": 0.0,
        "levels": [0.0, 0.25],
        "psnr": [30.0, 20.0],
        "yardsticks": {"bicubic": [28.0, 21.0]},
    }
    assert flat_metrics(sweep) == {
        "noise_sweep/0/psnr": 30.0,
        "noise_sweep/0.25/psnr": 20.0,
        "noise_sweep/0/bicubic": 28.0,
        "noise_sweep/0.25/bicubic": 21.0,
    }
    assert flat_metrics({}) == {}
