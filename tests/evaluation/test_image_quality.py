"""Compares image metrics with NumPy, SciPy, scikit-learn and scikit-image."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import entr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import log_loss, mean_squared_error
from torch import Tensor

from autoencoders.datasets.raw_files import TEST_IMAGES
from autoencoders.errors import UserError
from autoencoders.evaluation import image_quality

SHAPES = [(1, 28, 28), (3, 32, 24)]


def images_and_predictions(shape: tuple[int, int, int], n: int = 6) -> tuple[Tensor, Tensor]:
    """Return smooth images with black and white parts, and predictions with growing errors."""
    generator = torch.Generator().manual_seed(0)
    images = torch.nn.functional.avg_pool2d(
        torch.randn(n, *shape, generator=generator), 3, stride=1, padding=1
    )
    images = (images + 0.5).clamp(0, 1)
    spread = torch.linspace(0.02, 0.4, n).view(n, 1, 1, 1)
    noise = torch.randn(n, *shape, generator=generator)
    return images, (images + spread * noise).clamp(0.001, 0.999)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_metric_of_each_image_agrees_with_other_libraries(shape: tuple[int, int, int]) -> None:
    images, predictions = images_and_predictions(shape)
    values = image_quality.per_image(predictions, images)
    of_colour = ("psnr_luma", "ssim_luma") if shape[0] == 3 else ()
    assert {name: value.shape for name, value in values.items()} == dict.fromkeys(
        ("mse", "bce", "bce_above_floor", "psnr", "ssim", *of_colour), (len(images),)
    )
    for i, (x, y) in enumerate(zip(images.double().numpy(), predictions.numpy(), strict=True)):
        grey, p = x.ravel(), y.ravel().astype(float)
        # A grey target is a weighted sum of a white and a black one.
        white_and_black = np.repeat([1, 0], grey.size)
        bce = log_loss(white_and_black, np.tile(p, 2), sample_weight=np.hstack([grey, 1 - grey]))
        expected = {
            "mse": mean_squared_error(grey, p),
            "bce": bce,
            "bce_above_floor": bce - (entr(grey) + entr(1 - grey)).mean(),
            "psnr": peak_signal_noise_ratio(x, y.astype(float), data_range=1),
            "ssim": structural_similarity(
                x,
                y.astype(float),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=1,
                channel_axis=0,
            ),
        }
        for name, value in expected.items():
            assert values[name][i].item() == pytest.approx(value, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("size", [(11, 11), (10, 11), (11, 10), (1, 1)])
def test_images_smaller_than_the_window_have_no_ssim(size: tuple[int, int]) -> None:
    images, predictions = images_and_predictions((3, *size))
    of_structure = {
        name for name in image_quality.per_image(predictions, images) if name.startswith("ssim")
    }
    assert of_structure == ({"ssim", "ssim_luma"} if min(size) >= 11 else set())


def test_luma_equals_pillows_conversion_to_grey() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    ours = image_quality.luma(torch.from_numpy(colours).permute(2, 0, 1)[None] / 255)
    np.testing.assert_allclose(255 * ours[0, 0].numpy(), grey, atol=1)


def test_metrics_of_luma_equal_those_of_grey_images() -> None:
    images, predictions = images_and_predictions((3, 32, 24))
    values = image_quality.per_image(predictions, images)
    of_grey = image_quality.per_image(image_quality.luma(predictions), image_quality.luma(images))
    torch.testing.assert_close(values["psnr_luma"], of_grey["psnr"])
    torch.testing.assert_close(values["ssim_luma"], of_grey["ssim"])
    assert not torch.allclose(values["psnr_luma"], values["psnr"])


def test_a_perfect_reconstruction_has_no_error_and_finite_metrics() -> None:
    images, _ = images_and_predictions((1, 28, 28))
    values = image_quality.per_image(images, images)
    assert values["mse"].tolist() == [0] * len(images)
    assert values["bce_above_floor"].tolist() == [0] * len(images)
    assert values["psnr"].tolist() == pytest.approx([100] * len(images))
    assert values["ssim"].tolist() == pytest.approx([1] * len(images))


def test_a_completely_wrong_pixel_costs_a_hundred_nats() -> None:
    white = torch.ones(1, 1, 28, 28)
    values = image_quality.per_image(torch.zeros_like(white), white)
    assert values["bce"].item() == 100
    assert values["mse"].item() == 1
    assert values["psnr"].item() == 0


def test_a_summary_is_a_mean_over_images_not_over_batches() -> None:
    images, predictions = images_and_predictions((1, 28, 28), n=6)
    batches = [slice(0, 5), slice(5, 6)]  # the last batch is smaller and has a larger error
    measured = [image_quality.per_image(predictions[part], images[part]) for part in batches]
    joined = {name: torch.cat([values[name] for values in measured]) for name in measured[0]}
    summary = image_quality.summary(joined)
    squared = (predictions - images).double().numpy() ** 2
    mean_of_batch_means = np.mean([squared[part].mean() for part in batches])
    assert summary["mse"] == pytest.approx(squared.mean(), rel=1e-5)
    assert abs(summary["mse"] - mean_of_batch_means) > 0.1 * summary["mse"]


def test_the_psnr_of_the_mean_error_is_not_the_mean_psnr() -> None:
    images, predictions = images_and_predictions((1, 28, 28))
    summary = image_quality.summary(image_quality.per_image(predictions, images))
    errors = ((predictions - images).double().numpy() ** 2).mean(axis=(1, 2, 3))
    assert summary["psnr"] == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-5)
    assert summary["psnr_of_mean_mse"] == pytest.approx(-10 * np.log10(errors.mean()), rel=1e-5)
    assert summary["psnr"] > summary["psnr_of_mean_mse"] + 1  # Jensen's inequality


@pytest.mark.parametrize("wrong", [-0.01, 1.01, 255.0, float("nan")])
def test_values_outside_0_to_1_are_an_error_of_one_line(wrong: float) -> None:
    good = torch.full((2, 1, 28, 28), 0.5)
    bad = good.clone()
    bad[1, 0, 3, 4] = wrong
    with pytest.raises(UserError, match=r"an image has values from .*; allowed: 0 to 1") as error:
        image_quality.per_image(good, bad)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="a prediction has values from"):
        image_quality.per_image(bad, good)


@pytest.mark.parametrize(("folder", "nats"), [("mnist", 0.05808), ("fashion-mnist", 0.24217)])
def test_the_entropy_of_the_official_images(folder: str, nats: float) -> None:
    path = Path(os.environ.get("DATASET_MIRROR", ""), folder, TEST_IMAGES)
    if "DATASET_MIRROR" not in os.environ or not path.exists():
        pytest.skip("set DATASET_MIRROR to a folder to test the official images")
    pixels = torch.frombuffer(bytearray(gzip.decompress(path.read_bytes())[16:]), dtype=torch.uint8)
    images = pixels.view(-1, 1, 28, 28) / 255
    assert image_quality.entropy(images).double().mean().item() == pytest.approx(nats, abs=5e-6)
