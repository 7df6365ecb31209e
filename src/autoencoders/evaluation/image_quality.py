"""Image metrics, defined once: every figure in a table comes from `per_image` and `summary`."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.errors import UserError, report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.yardsticks import FittedYardsticks
from autoencoders.trained.pairs import Pairs, Predict
from autoencoders.trained.variant import Trained

WINDOW, SIGMA = 11, 1.5  # of the structural similarity, in pixels
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
SMALLEST_MSE = 1e-10  # an image given back exactly counts as 100 dB, not as infinity


def measure(trained: Trained, fitted: FittedYardsticks) -> Metrics:
    """Return the means over the test images of every image metric, the yardsticks' beside."""
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
    """Return the means over all images of every image metric."""
    measured = [per_image(predict(seen), clean) for seen, clean in pairs]
    return summary({name: torch.cat([values[name] for values in measured]) for name in measured[0]})


def per_image(predictions: Tensor, images: Tensor) -> dict[str, Tensor]:
    """Return `mse`, `bce`, `bce_above_floor`, `psnr` and `ssim` of each image, `(N,)`.

    There is no `ssim` of images that are smaller than its window.

    Both arguments are `(N, C, H, W)` float in [0, 1]. `mse` is the mean squared pixel error, `bce`
    the mean pixel binary cross-entropy in nats (logarithms clamped at -100) and `bce_above_floor`
    what of it is not the image's own entropy, `psnr` 10·log10(1/mse)
    in dB, `ssim` Wang et al. 2004 with an 11×11 Gaussian window of σ 1.5 and data range 1. For
    colour images there are `psnr_luma` and `ssim_luma` too, of the luma alone.

    Raises:
        UserError: an image or a prediction is outside [0, 1].
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
    values |= _ratios(predictions, images, "")
    if images.shape[1] == len(LUMA):
        values |= _ratios(luma(predictions), luma(images), "_luma")
    return values


def _ratios(predictions: Tensor, images: Tensor, suffix: str) -> dict[str, Tensor]:
    """Return `psnr` and, where its window fits, `ssim`; their names end in `suffix`."""
    values = {f"psnr{suffix}": psnr(predictions, images)}
    if fits_ssim_window(images.shape[1:]):
        values[f"ssim{suffix}"] = ssim(predictions, images)
    return values


def fits_ssim_window(image_shape: Sequence[int]) -> bool:
    """Tell whether the window of the structural similarity fits into images `(C, H, W)`."""
    return min(image_shape[1:]) >= WINDOW


def luma(images: Tensor) -> Tensor:
    """Return the luma `(N, 1, H, W)` of colour images `(N, 3, H, W)`, in [0, 1] as they are."""
    return (images * images.new_tensor(LUMA).view(-1, 1, 1)).sum(1, keepdim=True)


def psnr(predictions: Tensor, images: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each image, 10·log10(1/mse) in dB, `(N,)`."""
    mse = (predictions - images).square().flatten(1).mean(1)
    return -10 * mse.clamp(min=SMALLEST_MSE).log10()


def ssim(predictions: Tensor, images: Tensor) -> Tensor:
    """Return the mean structural similarity of each image, `(N,)`; sizes are at least 11×11.

    Wang et al. 2004, eq. 13, without the border that the window does not fit in. torchmetrics has
    the same, and takes five seconds to import.
    """
    of_rows, of_columns = (_window(size, images) for size in images.shape[2:])

    def local_mean(values: Tensor) -> Tensor:
        return of_rows @ values @ of_columns.T

    x, y = local_mean(predictions), local_mean(images)
    variance_x = local_mean(predictions.square()) - x.square()
    variance_y = local_mean(images.square()) - y.square()
    covariance = local_mean(predictions * images) - x * y
    c1, c2 = 0.01**2, 0.03**2  # the paper's constants for a data range of 1
    luminance = (2 * x * y + c1) / (x.square() + y.square() + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).flatten(1).mean(1)


def _window(size: int, like: Tensor) -> Tensor:
    """Return the Gaussian window at every place along `size` pixels, `(size - 10, size)`.

    The window of an image is the product of one for each side, and two products with matrices are
    several times as fast as a convolution with it.
    """
    offsets = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    gaussian = torch.softmax(-(offsets**2) / (2 * SIGMA**2), dim=0)
    pixels = torch.eye(size, dtype=like.dtype, device=like.device)
    return pixels.unfold(0, WINDOW, 1) @ gaussian


def summary(values: dict[str, Tensor]) -> dict[str, float]:
    """Return the means over images of what `per_image` gave, and `psnr_of_mean_mse` in dB."""
    means = {name: value.double().mean().item() for name, value in values.items()}
    mean_mse = torch.tensor(means["mse"]).clamp(min=SMALLEST_MSE)
    return means | {"psnr_of_mean_mse": -10 * mean_mse.log10().item()}


def entropy(images: Tensor) -> Tensor:
    """Return each image's mean pixel entropy in nats, `(N,)`: the floor of its `bce`."""
    return F.binary_cross_entropy(images, images, reduction="none").flatten(1).mean(1)


def require_unit_range(images: Tensor, what: str) -> None:
    """Raise a `UserError` unless all values are in [0, 1]."""
    low, high = (float(bound) for bound in images.aminmax())
    if not (low >= 0 and high <= 1):
        raise UserError(
            f"{what} has values from {low:g} to {high:g}; allowed: 0 to 1; divide bytes by 255"
        )
