"""Denoising filters without learning: the yardsticks of a trained denoiser.

Noisy images are float32 and may leave [0, 1]; results are clamped to [0, 1]. `std` is the standard
deviation of the noise; None estimates it for each image.
"""

from collections.abc import Callable
from typing import Any

import skimage as ski  # it imports its submodules at their first use
import torch
import torch.nn.functional as F
from torch import Tensor


def median_filter(images: Tensor) -> Tensor:
    """Return the median of each pixel's 3×3 neighbourhood, `(N, C, H, W)` like `images`.

    Borders are reflected. Images that are one pixel high or wide repeat the border instead, because
    reflection needs two pixels.
    """
    mode = "reflect" if min(images.shape[2:]) > 1 else "replicate"
    padded = F.pad(images, (1, 1, 1, 1), mode=mode)
    neighbourhoods = padded.unfold(2, 3, 1).unfold(3, 3, 1)  # (N, C, H, W, 3, 3)
    return neighbourhoods.flatten(-2).median(dim=-1).values.clamp(0, 1)


def non_local_means(images: Tensor, std: float | None) -> Tensor:
    """Return `images` `(N, C, H, W)` after non-local means (Buades, Coll and Morel, CVPR 2005).

    An output pixel is the mean of the pixels at most 6 rows and columns away, weighted by the
    similarity of their 5×5 neighbourhoods to its own. The filter strength is 0.8 `std`.
    """

    def denoise(image: Any, sigma: float) -> Any:
        return ski.restoration.denoise_nl_means(
            image,
            patch_size=5,
            patch_distance=6,
            h=0.8 * sigma,
            sigma=sigma,
            channel_axis=-1,
        )

    return _one_by_one(denoise, images, std)


def wavelet_thresholding(images: Tensor, std: float | None) -> Tensor:
    """Return `images` `(N, C, H, W)` after soft thresholding of their wavelet coefficients.

    Each band has a threshold from its own variance: BayesShrink (Chang, Yu and Vetterli, IEEE TIP
    2000).
    """

    def denoise(image: Any, sigma: float) -> Any:
        return ski.restoration.denoise_wavelet(
            image, sigma=sigma, rescale_sigma=True, channel_axis=-1
        )

    return _one_by_one(denoise, images, std)


def _one_by_one(denoise: Callable[[Any, float], Any], images: Tensor, std: float | None) -> Tensor:
    """Apply `denoise(image, std)`, which takes one image `(H, W, C)`, to each noisy image."""
    results = []
    for image in images.permute(0, 2, 3, 1).cpu().numpy():
        sigma = (
            ski.restoration.estimate_sigma(image, channel_axis=-1, average_sigmas=True)
            if std is None
            else std
        )
        # The filters drop the axis of a single channel.
        clean = denoise(image, sigma).reshape(image.shape) if sigma > 0 else image
        results.append(torch.from_numpy(clean))
    return torch.stack(results).permute(0, 3, 1, 2).to(images).clamp(0, 1)
