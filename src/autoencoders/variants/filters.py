"""Denoising that learns nothing: what a trained denoiser is held against.

Images are `(N, C, H, W)` float, also outside of [0, 1]; what is returned is clamped to it.
`std` is that of the noise; None estimates it for each image.
"""

from collections.abc import Callable
from typing import Any

import skimage as ski  # which imports its own parts when they are first used
import torch
import torch.nn.functional as F
from torch import Tensor


def median_filter(images: Tensor) -> Tensor:
    """Return each pixel's median over its 3×3 neighbourhood, the border reflected.

    In images that are one pixel high or wide, where nothing reflects, the border is repeated.
    """
    mode = "reflect" if min(images.shape[2:]) > 1 else "replicate"
    padded = F.pad(images, (1, 1, 1, 1), mode=mode)
    neighbourhoods = padded.unfold(2, 3, 1).unfold(3, 3, 1)  # (N, C, H, W, 3, 3)
    return neighbourhoods.flatten(-2).median(dim=-1).values.clamp(0, 1)


def non_local_means(images: Tensor, std: float | None) -> Tensor:
    """Return means of pixels whose 5×5 neighbourhoods are alike, up to 6 pixels away.

    Buades, Coll and Morel, CVPR 2005; of neighbourhoods that differ by less than 0.8 `std`.
    """

    def denoised(image: Any, sigma: float) -> Any:
        return ski.restoration.denoise_nl_means(
            image,
            patch_size=5,
            patch_distance=6,
            h=0.8 * sigma,
            sigma=sigma,
            channel_axis=-1,
        )

    return _one_by_one(denoised, images, std)


def wavelet_thresholding(images: Tensor, std: float | None) -> Tensor:
    """Return what is left where small wavelet coefficients are taken for noise, softly.

    With a threshold for each band from its own variance: BayesShrink, Chang, Yu and Vetterli,
    IEEE TIP 2000.
    """

    def denoised(image: Any, sigma: float) -> Any:
        return ski.restoration.denoise_wavelet(
            image, sigma=sigma, rescale_sigma=True, channel_axis=-1
        )

    return _one_by_one(denoised, images, std)


def _one_by_one(denoised: Callable[[Any, float], Any], images: Tensor, std: float | None) -> Tensor:
    """Apply what denoises one image `(H, W, C)` of noise of one strength to all that have any."""
    results = []
    for image in images.permute(0, 2, 3, 1).cpu().numpy():
        sigma = (
            ski.restoration.estimate_sigma(image, channel_axis=-1, average_sigmas=True)
            if std is None
            else std
        )
        # One channel comes back without its axis.
        clean = denoised(image, sigma).reshape(image.shape) if sigma > 0 else image
        results.append(torch.from_numpy(clean))
    return torch.stack(results).permute(0, 3, 1, 2).to(images).clamp(0, 1)
