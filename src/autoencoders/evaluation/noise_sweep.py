"""How well a network does under more noise, or less, than it was trained with."""

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
    """An input with noise of its own, of this standard deviation or within this range of them."""

    std: Spread


class WithAddedNoise(Input):
    """What another input gives, under zero-mean Gaussian noise, clamped to [0, 1]."""

    def __init__(self, input: Input, std: float) -> None:
        self.input = input
        self.std = std

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return what the other input gives of `images`, with fresh noise."""
        seen = self.input(images, noise)
        return seen.add(noise.normal(seen.shape).to(seen.device), alpha=self.std).clamp_(0, 1)

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the other input's shape."""
        return self.input.shape(image_shape)

    def yardsticks(self) -> dict[str, Predict]:
        """Return the other input's yardsticks."""
        return self.input.yardsticks()


def measure(trained: Trained, settings: Evaluation) -> Metrics:
    """Return `noise_sweep` where there are noise levels for the variant's kind of input.

    It is of the first test images, as many as the settings say.
    """
    levels = settings.noise_levels.get(trained.description.variant.input.kind)
    if not levels:
        return {}
    count = min(settings.noise_images, len(trained.data.images("test")))
    sweep = noise_sweep(trained.model, trained.input, levels, partial(trained.pairs, "test", count))
    return {"noise_sweep": {"n_images": count, **sweep}}


def training_noise_range(input: Input) -> tuple[float, float]:
    """Return between which standard deviations the noise of the input is; 0 for none."""
    if not isinstance(input, HasNoise):
        return 0.0, 0.0
    return (min(input.std), max(input.std)) if isinstance(input.std, list) else (input.std,) * 2


def with_noise_level(input: Input, std: float) -> Input:
    """Return the input with noise of this standard deviation, everything else as it is.

    An input without noise of its own gets zero-mean noise on what it gives.
    """
    if not isinstance(input, HasNoise):
        return WithAddedNoise(input, std)
    leveled = copy.copy(input)
    leveled.std = std
    return leveled


def noise_sweep(
    model: Predict,
    input: Input,
    levels: Iterable[float],
    pairs: Callable[[Input], Pairs],
) -> dict[str, Any]:
    """Return the PSNR in dB, a mean over images, at each noise level.

    Args:
        model: trained on what `input` gives.
        input: the level that it has by itself is measured too.
        levels: standard deviations of the noise.
        pairs: what an input gives of the images beside the images, batch by batch; always with
            the same draws, so that the levels differ in the noise's size alone.

    Returns:
        `trained_at`; the `levels`, increasing; `psnr`, the network's at each; and `yardsticks`, the
        same of each yardstick of the input, which is told the level that it is measured at.
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
    """Return a sweep's numbers by names like `noise_sweep/0.3/psnr`; none of none."""
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
    for seen, images in pairs(input):
        for name, predict in predictors.items():
            values[name].append(psnr(predict(seen), images))
    return {name: torch.cat(value).double().mean().item() for name, value in values.items()}
