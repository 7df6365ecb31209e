"""Measures the PSNR of a network at the noise level in training and at other noise levels."""

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from autoencoders.evaluation.image_quality import psnr
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.settings import Evaluation
from autoencoders.param_types import ImageShape, Spread
from autoencoders.randomness import Noise
from autoencoders.trained.pairs import Pairs, Predict
from autoencoders.trained.variant import Trained
from autoencoders.variants.inputs import Input


@runtime_checkable
class HasNoise(Protocol):
    """An input with noise; `std` is its standard deviation, or a range `[low, high]`."""

    std: Spread


class WithAddedNoise(Input):
    """`input` plus zero-mean Gaussian noise, clamped to [0, 1]."""

    def __init__(self, input: Input, std: float) -> None:
        self.input = input
        self.std = std

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return noisy encoder inputs `(N, C, h, w)` for `images` `(N, C, H, W)`."""
        inputs = self.input(images, noise)
        return inputs.add(noise.normal(inputs.shape).to(inputs.device), alpha=self.std).clamp_(0, 1)

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the shape `(C, h, w)` of the encoder input for images `(C, H, W)`."""
        return self.input.shape(image_shape)

    def yardsticks(self) -> dict[str, Predict]:
        """Return the yardsticks of `input`."""
        return self.input.yardsticks()


def measure(trained: Trained, settings: Evaluation) -> Metrics:
    """Return `noise_sweep` if the settings have noise levels for the variant's kind of input.

    It uses the first `noise_images` images of the test set.
    """
    levels = settings.noise_levels.get(trained.description.variant.input.kind)
    if not levels:
        return {}
    count = min(settings.noise_images, len(trained.data.images("test")))
    sweep = noise_sweep(trained.model, trained.input, levels, partial(trained.pairs, "test", count))
    return {"noise_sweep": {"n_images": count, **sweep}}


def training_noise_range(input: Input) -> tuple[float, float]:
    """Return the smallest and the largest standard deviation of the input's noise; 0 for none."""
    if not isinstance(input, HasNoise):
        return 0.0, 0.0
    return (min(input.std), max(input.std)) if isinstance(input.std, list) else (input.std,) * 2


def with_noise_level(input: Input, std: float) -> Input:
    """Return a copy of the input with noise of this standard deviation.

    For an input without noise, zero-mean noise is added.
    """
    if not isinstance(input, HasNoise):
        return WithAddedNoise(input, std)
    changed = copy.copy(input)
    changed.std = std
    return changed


def noise_sweep(
    model: Predict,
    input: Input,
    levels: Iterable[float],
    pairs: Callable[[Input], Pairs],
) -> dict[str, Any]:
    """Return the mean PSNR over images, in dB, at each noise level.

    Args:
        model: the trained network; maps encoder inputs to images `(n, C, H, W)`.
        input: the input in training; its own noise level is also measured.
        levels: standard deviations of the noise.
        pairs: yields encoder inputs and images in batches, each time with the same random numbers,
            so that only the strength of the noise differs between levels.

    Returns:
        `trained_at`, the highest level in training; `levels`, ascending; `psnr` of the network at
        each level; and `yardsticks`, the same for each yardstick, which receives the level.
    """
    _, trained_at = training_noise_range(input)
    levels = sorted({*levels, trained_at})
    measured = [_psnr_at(with_noise_level(input, level), model, pairs) for level in levels]
    curves = {name: [level[name] for level in measured] for name in measured[0]}
    return {
        "trained_at": trained_at,
        "levels": levels,
        "psnr": curves.pop("network"),
        "yardsticks": curves,
    }


def flat_metrics(sweep: dict[str, Any]) -> dict[str, float]:
    """Return a sweep's values by names such as `noise_sweep/0.3/psnr`; empty for no sweep."""
    if not sweep:
        return {}
    curves: dict[str, Sequence[float]] = {"psnr": sweep["psnr"], **sweep["yardsticks"]}
    return {
        f"noise_sweep/{level:g}/{name}": value
        for name, curve in curves.items()
        for level, value in zip(sweep["levels"], curve, strict=True)
    }


def _psnr_at(input: Input, model: Predict, pairs: Callable[[Input], Pairs]) -> dict[str, float]:
    predictors: dict[str, Predict] = {"network": model, **input.yardsticks()}
    values: dict[str, list[Tensor]] = {name: [] for name in predictors}
    for inputs, images in pairs(input):
        for name, predict in predictors.items():
            values[name].append(psnr(predict(inputs), images))
    return {name: torch.cat(value).double().mean().item() for name, value in values.items()}
