"""Image metrics: `per_image` computes them for each image, `summary` their means."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.errors import UserError, report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.yardsticks import FittedYardsticks
from autoencoders.trained.pairs import Pairs, Predict
from autoencoders.trained.variant import Trained

WINDOW, SIGMA = 11, 1.5  # of SSIM's Gaussian window, in pixels
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue, ITU-R BT.601
SMALLEST_MSE = 1e-10  # limits the PSNR of a perfect reconstruction to 100 dB


def measure(trained: Trained, fitted: FittedYardsticks) -> Metrics:
    """Return the means of all image metrics over the test images, for network and yardsticks."""
    _, height, width = trained.image_shape
    if not fits_ssim_window(trained.image_shape):
        report_omission(
            "SSIM", f"its {WINDOW}×{WINDOW} window is larger than images of {height}×{width}"
        )
    return {
        **of_predictions(trained.model, trained.pairs("test")),
        "yardsticks": {
            name: of_predictions(predict, trained.pairs("test"))
            for name, predict in (fitted.predictions | trained.input.yardsticks()).items()
        },
    }


def of_predictions(predict: Predict, pairs: Pairs) -> dict[str, float]:
    """Return the means of all image metrics; `predict` maps inputs to images `(n, C, H, W)`."""
    measured = [per_image(predict(inputs), images) for inputs, images in pairs]
    return summary({name: torch.cat([values[name] for values in measured]) for name in measured[0]})


def per_image(predictions: Tensor, images: Tensor) -> dict[str, Tensor]:
    """Return `mse`, `bce`, `bce_above_floor`, `psnr` and `ssim` of each image, `(N,)`.

    Both arguments are `(N, C, H, W)` float in [0, 1].

    - `mse`: mean squared error of the pixels.
    - `bce`: mean binary cross-entropy of the pixels in nats, with logarithms clamped at -100.
    - `bce_above_floor`: `bce` minus its lowest possible value, the entropy of the image.
    - `psnr`: 10·log10(1/mse) in dB.
    - `ssim`: Wang et al. 2004, with an 11×11 Gaussian window of σ 1.5 and data range 1. It is
      missing for images smaller than the window.
    - `psnr_luma`, `ssim_luma`: the same on the luma, only for colour images.

    Raises:
        UserError: an image or a prediction has values outside [0, 1].
    """
    require_unit_range(predictions, "a prediction")
    require_unit_range(images, "an image")
    mse = (predictions - images).square().flatten(1).mean(1)
    bce = F.binary_cross_entropy(predictions, images, reduction="none").flatten(1).mean(1)
    values = {
        "mse": mse,
        "bce": bce,
        "bce_above_floor": bce - entropy(images),
    }
    values |= _psnr_and_ssim(predictions, images, "")
    if images.shape[1] == len(LUMA):
        values |= _psnr_and_ssim(luma(predictions), luma(images), "_luma")
    return values


def _psnr_and_ssim(predictions: Tensor, images: Tensor, suffix: str) -> dict[str, Tensor]:
    """Return `psnr` and, for large enough images, `ssim`; add `suffix` to their names."""
    values = {f"psnr{suffix}": psnr(predictions, images)}
    if fits_ssim_window(images.shape[1:]):
        values[f"ssim{suffix}"] = ssim(predictions, images)
    return values


def fits_ssim_window(image_shape: Sequence[int]) -> bool:
    """Return whether SSIM's window fits into images of shape `(C, H, W)`."""
    return min(image_shape[1:]) >= WINDOW


def luma(images: Tensor) -> Tensor:
    """Return the luma `(N, 1, H, W)` in [0, 1] of colour images `(N, 3, H, W)` in [0, 1]."""
    return (images * images.new_tensor(LUMA).view(-1, 1, 1)).sum(1, keepdim=True)


def psnr(predictions: Tensor, images: Tensor) -> Tensor:
    """Return the PSNR of each image `(N, C, H, W)`, 10·log10(1/mse) in dB, as `(N,)`."""
    mse = (predictions - images).square().flatten(1).mean(1)
    return -10 * mse.clamp(min=SMALLEST_MSE).log10()


def ssim(predictions: Tensor, images: Tensor) -> Tensor:
    """Return the mean structural similarity of each image `(N, C, H, W)`, as `(N,)`.

    Wang et al. 2004, eq. 13, at all positions where the whole window lies in the image. H and W are
    at least 11. torchmetrics is not used, because its import takes five seconds.
    """
    row_windows, column_windows = (_window(size, images) for size in images.shape[2:])

    def local_mean(values: Tensor) -> Tensor:
        return row_windows @ values @ column_windows.T

    x, y = local_mean(predictions), local_mean(images)
    variance_x = local_mean(predictions.square()) - x.square()
    variance_y = local_mean(images.square()) - y.square()
    covariance = local_mean(predictions * images) - x * y
    c1, c2 = 0.01**2, 0.03**2  # the paper's constants for a data range of 1
    luminance = (2 * x * y + c1) / (x.square() + y.square() + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).flatten(1).mean(1)


def _window(size: int, like: Tensor) -> Tensor:
    """Return the Gaussian window at each position along `size` pixels, `(size - 10, size)`.

    The two-dimensional window is separable. Two matrix products are several times faster than a
    convolution with it.
    """
    offsets = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    gaussian = torch.softmax(-(offsets**2) / (2 * SIGMA**2), dim=0)
    pixels = torch.eye(size, dtype=like.dtype, device=like.device)
    return pixels.unfold(0, WINDOW, 1) @ gaussian


def summary(values: dict[str, Tensor]) -> dict[str, float]:
    """Return the means of metrics `(N,)` over images, and `psnr_of_mean_mse` in dB."""
    means = {name: value.double().mean().item() for name, value in values.items()}
    mean_mse = torch.tensor(means["mse"]).clamp(min=SMALLEST_MSE)
    return means | {"psnr_of_mean_mse": -10 * mean_mse.log10().item()}


def entropy(images: Tensor) -> Tensor:
    """Return the mean entropy of each image's pixels in nats, the lowest possible `bce`, `(N,)`.

    `images` are `(N, C, H, W)` float in [0, 1].
    """
    return F.binary_cross_entropy(images, images, reduction="none").flatten(1).mean(1)


def require_unit_range(images: Tensor, name: str) -> None:
    """Raise `UserError` if images of any shape have values outside [0, 1]."""
    low, high = (float(bound) for bound in images.aminmax())
    if not (low >= 0 and high <= 1):
        raise UserError(
            f"{name} has values from {low:g} to {high:g}; allowed: 0 to 1; divide bytes by 255"
        )
