"""How well a network does under more noise, or less, than it was trained with."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from autoencoders.evaluation.metrics import psnr
from autoencoders.inputs import ImageShape, Input
from autoencoders.models import Autoencoder
from autoencoders.randomness import Noise

Pairs = Iterator[tuple[Tensor, Tensor]]
Predict = Callable[[Tensor], Tensor]


@runtime_checkable
class HasNoise(Protocol):
    """An input with noise of its own, of this standard deviation."""

    std: float


class Noisier:
    """What another input gives, under zero-mean Gaussian noise, clamped to [0, 1]."""

    def __init__(self, corruption: Input, std: float) -> None:
        self.corruption = corruption
        self.std = std

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return what the other input gives of `images`, with fresh noise."""
        seen = self.corruption(images, noise)
        return seen.add(noise.normal(seen.shape).to(seen.device), alpha=self.std).clamp_(0, 1)

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the other input's shape."""
        return self.corruption.shape(image_shape)

    def yardsticks(self) -> dict[str, Predict]:
        """Return the other input's yardsticks."""
        return self.corruption.yardsticks()


def trained_level(corruption: Input) -> float:
    """Return the standard deviation of the noise that the input has by itself; 0 for none."""
    return corruption.std if isinstance(corruption, HasNoise) else 0.0


def at_level(corruption: Input, std: float) -> Input:
    """Return the input with noise of this standard deviation, everything else as it is.

    An input without noise of its own gets zero-mean noise on what it gives.
    """
    if not isinstance(corruption, HasNoise):
        return Noisier(corruption, std)
    leveled = copy.copy(corruption)
    leveled.std = std
    return leveled


@torch.no_grad()
def noise_sweep(
    model: Autoencoder,
    corruption: Input,
    levels: Iterable[float],
    pairs: Callable[[Input], Pairs],
) -> dict[str, Any]:
    """Return the PSNR in dB, a mean over images, at each noise level.

    Args:
        model: trained on what `corruption` gives.
        corruption: the level that it has by itself is measured too.
        levels: standard deviations of the noise.
        pairs: what an input gives of the images beside the images, batch by batch; always with
            the same draws, so that the levels differ in the noise's size alone.

    Returns:
        `trained_at`; the `levels`, increasing; `psnr`, the network's at each; and `yardsticks`, the
        same of each yardstick of the input.
    """
    trained_at = trained_level(corruption)
    levels = sorted({*levels, trained_at})
    predictors: dict[str, Predict] = {"network": model, **corruption.yardsticks()}
    measured = [_psnr(predictors, pairs(at_level(corruption, level))) for level in levels]
    curves = {name: [level[name] for level in measured] for name in predictors}
    return {
        "trained_at": trained_at,
        "levels": levels,
        "psnr": curves.pop("network"),
        "yardsticks": curves,
    }


def flat(sweep: dict[str, Any]) -> dict[str, float]:
    """Return a sweep's numbers by names like `noise_sweep/0.3/psnr`; none of none."""
    if not sweep:
        return {}
    curves: dict[str, Sequence[float]] = {"psnr": sweep["psnr"], **sweep["yardsticks"]}
    return {
        f"noise_sweep/{level:g}/{name}": value
        for name, curve in curves.items()
        for level, value in zip(sweep["levels"], curve, strict=True)
    }


def _psnr(predictors: dict[str, Predict], pairs: Pairs) -> dict[str, float]:
    values: dict[str, list[Tensor]] = {name: [] for name in predictors}
    for seen, images in pairs:
        for name, predict in predictors.items():
            values[name].append(psnr(predict(seen), images))
    return {name: torch.cat(value).double().mean().item() for name, value in values.items()}
