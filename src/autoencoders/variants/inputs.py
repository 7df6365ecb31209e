"""What the encoder sees: a clean batch in, the batch that the encoder is given out.

An input is called as `seen = input(images, noise)` with `images` `(N, C, H, W)` float in
[0, 1]; all its randomness comes from `noise`. `shape` tells the size of what it returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.param_types import AtLeastTwo, Deviation, ImageShape, Reduction, Spread
from autoencoders.randomness import Noise
from autoencoders.variants.filters import median_filter, non_local_means, wavelet_thresholding


class Input(ABC):
    """What every entry of `INPUTS` can do."""

    @abstractmethod
    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return what the encoder sees of `images`."""

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the `(C, H, W)` of what the encoder sees: the image's, unless overridden."""
        return image_shape

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return training-free ways back from what the encoder sees to the image, by name."""
        return {}


class Clean(Input):
    """The image itself: there is nothing to restore."""

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return `images` unchanged."""
        return images


class Noisy(Input):
    """The image under additive Gaussian noise: `clamp(x + n, 0, 1)`, n ~ Normal(mean, std²).

    The noise is drawn anew for every pixel, image and call. Of a range of `std`, each image gets
    one drawn uniformly: what learns from that is a blind denoiser. Without `clamp`, what is seen
    may leave [0, 1], as the literature on denoising has it (Zhang et al., arXiv 1608.03981).

    Raises:
        ValueError: the range's ends are the wrong way round.
    """

    def __init__(self, mean: float, std: Spread, clamp: bool = True) -> None:
        if isinstance(std, list) and std[0] > std[1]:
            raise ValueError(f"the noise's std is drawn from {std}: give the lower number first")
        self.mean = mean
        self.std = std
        self.clamp = clamp

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return `images` with fresh noise."""
        deviation = self._deviation(len(images), noise)
        seen = noise.normal(images.shape).mul_(deviation).add_(self.mean)
        seen = seen.to(images.device).add_(images)
        return seen.clamp_(0, 1) if self.clamp else seen

    def _deviation(self, count: int, noise: Noise) -> float | Tensor:
        if not isinstance(self.std, list):
            return self.std
        low, high = self.std
        return noise.uniform((count, 1, 1, 1)).mul_(high - low).add_(low)

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return the noisy image itself, and filters of it less the noise's mean.

        Of noise that is clamped a median; otherwise, where its deviation is what it says, also
        non-local means and wavelet thresholding.
        """
        ways: dict[str, Callable[[Tensor], Tensor]] = {"median_filter": median_filter}
        if not self.clamp:
            std = None if isinstance(self.std, list) else self.std
            ways["non_local_means"] = partial(non_local_means, std=std)
            ways["wavelet_thresholding"] = partial(wavelet_thresholding, std=std)
        return {
            "noisy_input": lambda seen: seen.clamp(0, 1),
            **{name: self._less_mean(way) for name, way in ways.items()},
        }

    def _less_mean(self, way: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda seen: way(seen - self.mean)


class Downsampled(Input):
    """The image reduced `factor` times in height and width.

    By the `average` of its pixels, or by `bilinear` or `bicubic` interpolation whose kernel is
    widened to what one small pixel covers; the last is what the literature on super-resolution
    reduces by (Dong et al., arXiv 1501.00092).
    """

    def __init__(self, factor: AtLeastTwo, reduction: Reduction) -> None:
        self.factor = factor
        self.reduction = reduction

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return the reduced images, `(N, C, H/factor, W/factor)`."""
        if self.reduction == "average":
            return F.avg_pool2d(images, self.factor)
        size = self.shape((images.shape[1], images.shape[2], images.shape[3]))[1:]
        return F.interpolate(
            images, size, mode=self.reduction, align_corners=False, antialias=True
        ).clamp_(0, 1)

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return `(C, H/factor, W/factor)`.

        Raises:
            ValueError: height or width is no multiple of the factor.
        """
        channels, height, width = image_shape
        if height % self.factor or width % self.factor:
            raise ValueError(f"images of {height}×{width} cannot be reduced {self.factor} times")
        return channels, height // self.factor, width // self.factor

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return nearest, bilinear, bicubic and Lanczos enlargement."""
        return {
            method: partial(enlarge, factor=self.factor, method=method)
            for method in ("nearest", "bilinear", "bicubic", "lanczos")
        }


class NoisyDownsampled(Downsampled):
    """The image reduced `factor` times, and then noisy."""

    def __init__(
        self, factor: AtLeastTwo, reduction: Reduction, mean: float, std: Deviation
    ) -> None:
        super().__init__(factor, reduction)
        self.mean = mean
        self.std = std

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return the reduced images with fresh noise, `(N, C, H/factor, W/factor)`."""
        return Noisy(self.mean, self.std)(super().__call__(images, noise), noise)


def enlarge(images: Tensor, factor: int, method: str) -> Tensor:
    """Return `images` interpolated to `factor` times the size, clamped to [0, 1]."""
    if method == "lanczos":
        rows, columns = (_lanczos(size, factor).to(images) for size in images.shape[2:])
        return (rows @ images @ columns.T).clamp(0, 1)
    align_corners = None if method == "nearest" else False
    enlarged = F.interpolate(images, scale_factor=factor, mode=method, align_corners=align_corners)
    return enlarged.clamp(0, 1)


def _lanczos(size: int, factor: int) -> Tensor:
    """Return the weights `(size·factor, size)` of Lanczos interpolation with three lobes.

    Pixel centres lie at halves. Beyond the border nothing is seen: what is left weighs more.
    """
    centres = (torch.arange(size * factor) + 0.5) / factor - 0.5
    distances = centres[:, None] - torch.arange(size)
    weights = (distances.sinc() * (distances / 3).sinc()).where(distances.abs() < 3, 0)
    return weights / weights.sum(1, keepdim=True)


INPUTS: dict[str, Callable[..., Input]] = {
    "clean": Clean,
    "noisy": Noisy,
    "downsampled": Downsampled,
    "noisy_downsampled": NoisyDownsampled,
}
