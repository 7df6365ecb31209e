"""The benchmark on whole photographs measures as in the literature."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from autoencoders.randomness import noise
from autoencoders.variants.inputs import Downsampled, enlarge
from benchmarks import restoration


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (13, 19, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_the_luma_of_colours_is_that_of_scikit_image(colours: Path) -> None:
    image = restoration.photograph(colours, channels=1, factor=4)
    assert image.shape == (1, 1, 12, 16)
    expected = rgb2ycbcr(np.asarray(Image.open(colours)))[:12, :16, 0] / 255
    np.testing.assert_allclose(image[0, 0], expected, atol=1e-6)


def test_the_psnr_of_an_enlargement_ignores_its_border(colours: Path) -> None:
    image = restoration.photograph(colours, channels=1, factor=2)
    inputs = restoration.encoder_input(image, Downsampled(2, "bicubic"), 2, noise(0, "a"))
    assert torch.equal(inputs, (inputs * 255).round() / 255)
    enlarged = enlarge(inputs, 2, "bicubic")
    psnr = restoration.psnr_inside(enlarged, image, factor=2)
    inside = (0, 0, slice(2, -2), slice(2, -2))
    expected = peak_signal_noise_ratio(
        image[inside].numpy(), enlarged[inside].numpy(), data_range=1
    )
    assert psnr == pytest.approx(expected, abs=1e-4)
