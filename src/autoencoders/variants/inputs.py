"""The inputs: functions from clean images to the encoder input, and their registry."""

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
    """Base class of the inputs: `input(images, noise)` returns the encoder input.

    Images are `(N, C, H, W)`, float32 in [0, 1]. All randomness comes from `noise`.
    """

    @abstractmethod
    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return the encoder input `(N, *shape((C, H, W)))` of `images`, float32."""

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the `(C, H, W)` of the encoder input: the image's, unless overridden."""
        return image_shape

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return, by name, simple methods from encoder input to image `(N, C, H, W)` in [0, 1]."""
        return {}


class Clean(Input):
    """The image itself. There is nothing to restore, so there are no yardsticks."""

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return `images` unchanged."""
        return images


class Noisy(Input):
    """The image with additive Gaussian noise: `clamp(x + n, 0, 1)`, n ~ Normal(mean, std²).

    Every pixel, image and call gets new noise. With a range `std: [low, high]`, each image gets a
    uniformly drawn standard deviation, which trains a blind denoiser. Without `clamp`, the encoder
    input may leave [0, 1], as in the literature on denoising (Zhang et al., arXiv 1608.03981).

    Raises:
        ValueError: the range's first number is larger than its second.
    """

    def __init__(self, mean: float, std: Spread, clamp: bool = True) -> None:
        if isinstance(std, list) and std[0] > std[1]:
            raise ValueError(f"input.std: found {std}; allowed: [low, high], the lower one first")
        self.mean = mean
        self.std = std
        self.clamp = clamp

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return `images` `(N, C, H, W)` with fresh noise."""
        deviation = self._deviation(len(images), noise)
        noisy = noise.normal(images.shape).mul_(deviation).add_(self.mean)
        noisy = noisy.to(images.device).add_(images)
        return noisy.clamp_(0, 1) if self.clamp else noisy

    def _deviation(self, count: int, noise: Noise) -> float | Tensor:
        if not isinstance(self.std, list):
            return self.std
        low, high = self.std
        return noise.uniform((count, 1, 1, 1)).mul_(high - low).add_(low)

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return the noisy image, and denoising filters that first subtract the noise's mean.

        Clamping changes the noise's standard deviation, so with `clamp` there is only the median
        filter. All methods map `(N, C, H, W)` to `(N, C, H, W)`.
        """
        filters: dict[str, Callable[[Tensor], Tensor]] = {"median_filter": median_filter}
        if not self.clamp:
            std = None if isinstance(self.std, list) else self.std
            filters["non_local_means"] = partial(non_local_means, std=std)
            filters["wavelet_thresholding"] = partial(wavelet_thresholding, std=std)
        return {
            "noisy_input": lambda inputs: inputs.clamp(0, 1),
            **{name: self._after_centring(denoise) for name, denoise in filters.items()},
        }

    def _after_centring(self, denoise: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda inputs: denoise(inputs - self.mean)


class Downsampled(Input):
    """The image with its height and width divided by `factor`.

    `reduction` is the `average` of each block of pixels, or antialiased `bilinear` or `bicubic`
    interpolation. The literature on super-resolution uses `bicubic` (Dong et al., arXiv
    1501.00092).
    """

    def __init__(self, factor: AtLeastTwo, reduction: Reduction) -> None:
        self.factor = factor
        self.reduction = reduction

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return the downsampled images, `(N, C, H/factor, W/factor)`."""
        if self.reduction == "average":
            return F.avg_pool2d(images, self.factor)
        size = self.shape((images.shape[1], images.shape[2], images.shape[3]))[1:]
        return F.interpolate(
            images, size, mode=self.reduction, align_corners=False, antialias=True
        ).clamp_(0, 1)

    def shape(self, image_shape: ImageShape) -> ImageShape:
        """Return `(C, H/factor, W/factor)`.

        Raises:
            ValueError: height or width is not a multiple of the factor.
        """
        channels, height, width = image_shape
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"input.factor: found {self.factor} for images of {height}×{width}; allowed: a "
                "divisor of height and width"
            )
        return channels, height // self.factor, width // self.factor

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return nearest, bilinear, bicubic and Lanczos enlargement to `(N, C, H, W)`."""
        return {
            method: partial(enlarge, factor=self.factor, method=method)
            for method in ("nearest", "bilinear", "bicubic", "lanczos")
        }


class NoisyDownsampled(Downsampled):
    """The image, downsampled by `factor` and then with Gaussian noise."""

    def __init__(
        self, factor: AtLeastTwo, reduction: Reduction, mean: float, std: Deviation
    ) -> None:
        super().__init__(factor, reduction)
        self.mean = mean
        self.std = std

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        """Return the downsampled images with fresh noise, `(N, C, H/factor, W/factor)`."""
        return Noisy(self.mean, self.std)(super().__call__(images, noise), noise)


def enlarge(images: Tensor, factor: int, method: str) -> Tensor:
    """Return `images` `(N, C, H, W)` enlarged to `(N, C, factor·H, factor·W)`, in [0, 1]."""
    if method == "lanczos":
        rows, columns = (_lanczos(size, factor).to(images) for size in images.shape[2:])
        return (rows @ images @ columns.T).clamp(0, 1)
    align_corners = None if method == "nearest" else False
    enlarged = F.interpolate(images, scale_factor=factor, mode=method, align_corners=align_corners)
    return enlarged.clamp(0, 1)


def _lanczos(size: int, factor: int) -> Tensor:
    """Return the weights `(size·factor, size)` of Lanczos interpolation with three lobes.

    Pixel i has its centre at i + ½. At a border, the weights of the pixels inside the image are
    scaled to a sum of 1.
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
