from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage, stats
from torch import Tensor

from autoencoders.param_types import ImageShape, Reduction, Spread
from autoencoders.randomness import Noise
from autoencoders.variants.filters import median_filter
from autoencoders.variants.inputs import (
    INPUTS,
    Clean,
    Downsampled,
    Input,
    Noisy,
    NoisyDownsampled,
    enlarge,
)
from tests.examples import build, example_entries

Pictures = Callable[..., Tensor]


def test_clean_returns_the_image(pictures: Pictures, noise: Noise) -> None:
    images = pictures(3)
    assert torch.equal(Clean()(images, noise), images)


def test_noise_is_added_and_clamped(pictures: Pictures, noise: Noise) -> None:
    images = pictures(200, (1, 28, 28))
    noisy = Noisy(mean=0.5, std=0.3)(images, noise)
    assert noisy.min() == 0
    assert noisy.max() == 1
    between = (noisy > 0) & (noisy < 1)
    # A black pixel is pure noise, so the clamps cut the tails of a normal distribution.
    black = images == 0
    assert (noisy[black] == 0).float().mean() == pytest.approx(stats.norm.cdf(-5 / 3), abs=0.01)
    assert (noisy[black] == 1).float().mean() == pytest.approx(stats.norm.sf(5 / 3), abs=0.01)
    kept = stats.truncnorm(-5 / 3, 5 / 3, loc=0.5, scale=0.3)
    assert stats.kstest(noisy[black & between], kept.cdf).pvalue > 0.01


def test_noise_has_the_mean_and_standard_deviation_of_the_settings(noise: Noise) -> None:
    images = torch.full((100, 1, 28, 28), 0.3)
    added = Noisy(mean=0.2, std=0.05)(images, noise) - images  # the clamps are ten deviations away
    assert added.mean() == pytest.approx(0.2, abs=0.001)
    assert added.std() == pytest.approx(0.05, rel=0.01)


def test_with_a_range_each_image_has_another_standard_deviation(noise: Noise) -> None:
    images = torch.full((400, 1, 32, 32), 0.5)
    added = Noisy(mean=0.0, std=[0.02, 0.06])(images, noise) - images
    deviations = added.flatten(1).std(1)
    uniform = stats.uniform(loc=0.02, scale=0.04)
    assert stats.kstest(deviations, uniform.cdf).pvalue > 0.01


def test_a_range_with_the_larger_number_first_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"std: found \[0\.2, 0\.1\]; allowed: \[low, high\]"):
        Noisy(mean=0.0, std=[0.2, 0.1])


def test_noise_without_clamping_is_normally_distributed(noise: Noise) -> None:
    black = torch.zeros(20, 1, 28, 28)
    noisy = Noisy(mean=0.1, std=0.3, clamp=False)(black, noise)
    assert stats.kstest(noisy.flatten(), stats.norm(0.1, 0.3).cdf).pvalue > 0.01


def test_noise_does_not_change_the_clean_image(pictures: Pictures, noise: Noise) -> None:
    images = pictures(3)
    before = images.clone()
    Noisy(mean=0.5, std=0.3)(images, noise)
    assert torch.equal(images, before)


@pytest.mark.parametrize("factor", [2, 4])
def test_average_reduction_is_the_mean_of_each_block(
    pictures: Pictures, noise: Noise, factor: int
) -> None:
    images = pictures(3, (3, 32, 32))
    side = 32 // factor
    blocks = images.numpy().reshape(3, 3, side, factor, side, factor)
    reduced = Downsampled(factor=factor, reduction="average")(images, noise)
    np.testing.assert_allclose(reduced, blocks.mean((3, 5)), atol=1e-6)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("reduction", ["bilinear", "bicubic"])
def test_reduction_with_antialiasing_equals_pillow(
    noise: Noise, reduction: Reduction, factor: int
) -> None:
    image = torch.rand(28, 28, generator=noise.generator) / 2 + 0.25  # no result leaves [0, 1]
    reduced = Downsampled(factor=factor, reduction=reduction)(image.view(1, 1, 28, 28), noise)
    size = (28 // factor, 28 // factor)
    resampling = Image.Resampling[reduction.upper()]
    expected = Image.fromarray(image.numpy()).resize(size, resampling)
    np.testing.assert_allclose(reduced[0, 0], np.asarray(expected), atol=1e-5)


def test_noise_is_added_after_the_reduction(noise: Noise) -> None:
    images = torch.full((100, 3, 32, 32), 0.4)
    inputs = NoisyDownsampled(factor=4, reduction="average", mean=0.1, std=0.05)(images, noise)
    assert inputs.shape == (100, 3, 8, 8)
    assert inputs.mean() == pytest.approx(0.5, abs=0.002)
    assert inputs.std() == pytest.approx(0.05, rel=0.02)  # ¼ of it, if the noise were averaged


def test_a_size_that_is_no_multiple_of_the_factor_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^input\.factor: found 3 for images of 28×28"):
        Downsampled(factor=3, reduction="average").shape((1, 28, 28))


def takes(input: Input, shape: ImageShape) -> bool:
    """Return whether an input takes images of this shape."""
    try:
        input.shape(shape)
    except ValueError:
        return False
    return True


EXAMPLES = {
    **{name: build(INPUTS, entry) for name, entry in example_entries(INPUTS).items()},
    "noise as in the literature": Noisy(0.0, [0.0, 0.2], clamp=False),
    "little noise": NoisyDownsampled(factor=2, reduction="bilinear", mean=0.0, std=0.1),
}
SHAPES = [(1, 28, 28), (3, 32, 64)]
TAKEN_SHAPES = [
    pytest.param(input, shape, id=f"{name}-{'×'.join(map(str, shape))}")
    for name, input in EXAMPLES.items()
    for shape in SHAPES
    if takes(input, shape)
]


def test_every_input_takes_at_least_one_of_the_shapes() -> None:
    """Every input takes both shapes, unless its factor does not divide 28."""
    for input in EXAMPLES.values():
        assert takes(input, (3, 32, 64))
    assert {name for name in EXAMPLES if not takes(EXAMPLES[name], (1, 28, 28))} == {
        name for name in EXAMPLES if "downsampled-8" in name
    }


@pytest.mark.parametrize(("input", "shape"), TAKEN_SHAPES)
def test_inputs_and_yardsticks_return_the_right_shape_and_range(
    pictures: Pictures, noise: Noise, input: Input, shape: ImageShape
) -> None:
    images = pictures(5, shape)
    inputs = input(images, noise)
    assert inputs.shape == (5, *input.shape(shape))
    assert inputs.dtype == torch.float32
    assert not getattr(input, "clamp", True) or 0 <= inputs.min() <= inputs.max() <= 1
    for yardstick in input.yardsticks().values():
        restored = yardstick(inputs)
        assert restored.shape == images.shape
        assert restored.min() >= 0
        assert restored.max() <= 1


def test_each_input_has_the_yardsticks_of_the_specification() -> None:
    assert list(Clean().yardsticks()) == []
    assert list(Noisy(0.5, 0.3).yardsticks()) == ["noisy_input", "median_filter"]
    literature = ["noisy_input", "median_filter", "non_local_means", "wavelet_thresholding"]
    assert list(Noisy(0.0, 0.1, clamp=False).yardsticks()) == literature
    inputs = torch.rand(1, 1, 4, 4)
    for reduced in (Downsampled(2, "average"), NoisyDownsampled(2, "average", 0.0, 0.1)):
        enlargements = reduced.yardsticks()
        assert list(enlargements) == ["nearest", "bilinear", "bicubic", "lanczos"]
        for method, yardstick in enlargements.items():  # the functions differ: none is bound late
            assert torch.equal(yardstick(inputs), enlarge(inputs, 2, method))


def test_the_median_filter_subtracts_the_mean_of_the_noise(noise: Noise) -> None:
    black = torch.zeros(20, 1, 8, 8)
    noisy = Noisy(0.5, 0.05)
    restored = noisy.yardsticks()["median_filter"](noisy(black, noise))
    assert restored.mean() < 0.02


@pytest.mark.parametrize("method", ["non_local_means", "wavelet_thresholding"])
@pytest.mark.parametrize("std", [0.1, [0.0, 0.2]], ids=["known", "estimated"])
@pytest.mark.parametrize("channels", [1, 3])
def test_denoising_yardsticks_reduce_the_error(
    channels: int, std: Spread, method: str, pictures: Pictures, noise: Noise
) -> None:
    images = pictures(4, (channels, 32, 40))
    noisy = Noisy(0.1, std, clamp=False)
    inputs = noisy(images, noise)
    errors = {
        name: float((yardstick(inputs) - images).square().mean())
        for name, yardstick in noisy.yardsticks().items()
    }
    assert errors[method] < errors["noisy_input"] / 3


def test_median_filter_agrees_with_scipy(noise: Noise) -> None:
    images = torch.rand(2, 3, 9, 12, generator=noise.generator)
    expected = ndimage.median_filter(images.numpy(), size=(1, 1, 3, 3), mode="mirror")
    np.testing.assert_array_equal(median_filter(images), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 1)])
def test_the_median_filter_takes_images_one_pixel_wide(size: tuple[int, int], noise: Noise) -> None:
    images = torch.rand(2, 3, *size, generator=noise.generator)
    expected = ndimage.median_filter(images.numpy(), size=(1, 1, 3, 3), mode="nearest")
    np.testing.assert_array_equal(median_filter(images), expected)


def triangle(distance: np.ndarray) -> np.ndarray:
    return np.clip(1 - distance, 0, None)


def cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -0.75."""
    a, d = -0.75, distance
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


@pytest.mark.parametrize(
    ("method", "kernel"), [("bilinear", triangle), ("bicubic", cubic), ("nearest", None)]
)
@pytest.mark.parametrize("factor", [2, 4])
def test_enlargement_agrees_with_its_kernel(
    noise: Noise,
    method: str,
    kernel: Callable[[np.ndarray], np.ndarray] | None,
    factor: int,
) -> None:
    image = torch.rand(7, 7, generator=noise.generator)
    if kernel is None:
        expected = np.kron(image.numpy(), np.ones((factor, factor)))
    else:
        # Pixel i has its centre at i + ½. Beyond the border, the border pixel is repeated.
        centres = (np.arange(7 * factor) + 0.5) / factor - 0.5
        taps = kernel(abs(centres[:, None] - np.arange(-2, 9)))
        weights = np.zeros((7 * factor, 7))
        for tap, pixel in zip(taps.T, np.clip(np.arange(-2, 9), 0, 6), strict=True):
            weights[:, pixel] += tap
        expected = np.clip(weights @ image.numpy() @ weights.T, 0, 1)
    enlarged = enlarge(image.view(1, 1, 7, 7), factor, method)
    np.testing.assert_allclose(enlarged[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(7, 7), (4, 9), (1, 2)])
def test_lanczos_enlargement_equals_pillow(
    noise: Noise, size: tuple[int, int], factor: int
) -> None:
    images = torch.rand(2, 3, *size, generator=noise.generator)
    enlarged = enlarge(images, factor, "lanczos")
    height, width = (factor * side for side in size)
    assert enlarged.shape == (2, 3, height, width)
    for image, result in zip(images.flatten(0, 1), enlarged.flatten(0, 1), strict=True):
        pillow = Image.fromarray(image.numpy()).resize((width, height), Image.Resampling.LANCZOS)
        np.testing.assert_allclose(result, np.clip(np.asarray(pillow), 0, 1), atol=1e-5)
