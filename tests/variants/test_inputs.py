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


def test_clean_is_the_image_itself(pictures: Pictures, noise: Noise) -> None:
    images = pictures(3)
    assert torch.equal(Clean()(images, noise), images)


def test_noise_is_added_and_clamped(pictures: Pictures, noise: Noise) -> None:
    images = pictures(200, (1, 28, 28))
    seen = Noisy(mean=0.5, std=0.3)(images, noise)
    assert seen.min() == 0
    assert seen.max() == 1
    between = (seen > 0) & (seen < 1)
    # On black pixels the noise stands alone, so the clamps cut what a normal's tails hold.
    black = images == 0
    assert (seen[black] == 0).float().mean() == pytest.approx(stats.norm.cdf(-5 / 3), abs=0.01)
    assert (seen[black] == 1).float().mean() == pytest.approx(stats.norm.sf(5 / 3), abs=0.01)
    kept = stats.truncnorm(-5 / 3, 5 / 3, loc=0.5, scale=0.3)
    assert stats.kstest(seen[black & between], kept.cdf).pvalue > 0.01


def test_noise_has_the_mean_and_standard_deviation_asked_for(noise: Noise) -> None:
    images = torch.full((100, 1, 28, 28), 0.3)
    added = Noisy(mean=0.2, std=0.05)(images, noise) - images  # ten deviations from a clamp
    assert added.mean() == pytest.approx(0.2, abs=0.001)
    assert added.std() == pytest.approx(0.05, rel=0.01)


def test_of_a_range_each_image_gets_a_deviation_of_its_own(noise: Noise) -> None:
    images = torch.full((400, 1, 32, 32), 0.5)
    added = Noisy(mean=0.0, std=[0.02, 0.06])(images, noise) - images
    deviations = added.flatten(1).std(1)
    uniform = stats.uniform(loc=0.02, scale=0.04)
    assert stats.kstest(deviations, uniform.cdf).pvalue > 0.01


def test_a_range_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match=r"std: found \[0\.2, 0\.1\]; allowed: \[low, high\]"):
        Noisy(mean=0.0, std=[0.2, 0.1])


def test_noise_that_is_not_clamped_is_a_normal_whatever_the_image(noise: Noise) -> None:
    black = torch.zeros(20, 1, 28, 28)
    seen = Noisy(mean=0.1, std=0.3, clamp=False)(black, noise)
    assert stats.kstest(seen.flatten(), stats.norm(0.1, 0.3).cdf).pvalue > 0.01


def test_noise_leaves_the_clean_image_as_it_was(pictures: Pictures, noise: Noise) -> None:
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
def test_reduction_is_antialiased_as_pillow_does(
    noise: Noise, reduction: Reduction, factor: int
) -> None:
    image = torch.rand(28, 28, generator=noise.generator) / 2 + 0.25  # nothing leaves [0, 1]
    reduced = Downsampled(factor=factor, reduction=reduction)(image.view(1, 1, 28, 28), noise)
    size = (28 // factor, 28 // factor)
    by = Image.Resampling[reduction.upper()]
    expected = Image.fromarray(image.numpy()).resize(size, by)
    np.testing.assert_allclose(reduced[0, 0], np.asarray(expected), atol=1e-5)


def test_noise_comes_after_the_reduction_and_so_is_not_averaged_away(noise: Noise) -> None:
    images = torch.full((100, 3, 32, 32), 0.4)
    seen = NoisyDownsampled(factor=4, reduction="average", mean=0.1, std=0.05)(images, noise)
    assert seen.shape == (100, 3, 8, 8)
    assert seen.mean() == pytest.approx(0.5, abs=0.002)
    assert seen.std() == pytest.approx(0.05, rel=0.02)  # four times less, were it reduced too


def test_a_size_that_is_no_multiple_of_the_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="28×28 cannot be downsampled by 3"):
        Downsampled(factor=3, reduction="average").shape((1, 28, 28))


def takes(made: Input, shape: ImageShape) -> bool:
    """Tell whether images of this shape can be made into what the encoder sees."""
    try:
        made.shape(shape)
    except ValueError:
        return False
    return True


MADE = {
    **{name: build(INPUTS, entry) for name, entry in example_entries(INPUTS).items()},
    "noise as in the literature": Noisy(0.0, [0.0, 0.2], clamp=False),
    "little noise": NoisyDownsampled(factor=2, reduction="bilinear", mean=0.0, std=0.1),
}
SHAPES = [(1, 28, 28), (3, 32, 64)]
TAKEN = [
    pytest.param(made, shape, id=f"{name}-{'×'.join(map(str, shape))}")
    for name, made in MADE.items()
    for shape in SHAPES
    if takes(made, shape)
]


def test_there_is_an_image_for_every_input() -> None:
    """Both, but for factors that do not divide 28."""
    for made in MADE.values():
        assert takes(made, (3, 32, 64))
    assert {name for name in MADE if not takes(MADE[name], (1, 28, 28))} == {
        name for name in MADE if "downsampled-8" in name
    }


@pytest.mark.parametrize(("made", "shape"), TAKEN)
def test_every_input_gives_its_shape_in_range_and_its_yardsticks_give_the_image_s(
    pictures: Pictures, noise: Noise, made: Input, shape: ImageShape
) -> None:
    images = pictures(5, shape)
    seen = made(images, noise)
    assert seen.shape == (5, *made.shape(shape))
    assert seen.dtype == torch.float32
    assert not getattr(made, "clamp", True) or 0 <= seen.min() <= seen.max() <= 1
    for yardstick in made.yardsticks().values():
        back = yardstick(seen)
        assert back.shape == images.shape
        assert back.min() >= 0
        assert back.max() <= 1


def test_each_input_has_the_yardsticks_of_the_specification() -> None:
    assert list(Clean().yardsticks()) == []
    assert list(Noisy(0.5, 0.3).yardsticks()) == ["noisy_input", "median_filter"]
    literature = ["noisy_input", "median_filter", "non_local_means", "wavelet_thresholding"]
    assert list(Noisy(0.0, 0.1, clamp=False).yardsticks()) == literature
    seen = torch.rand(1, 1, 4, 4)
    for reduced in (Downsampled(2, "average"), NoisyDownsampled(2, "average", 0.0, 0.1)):
        enlargements = reduced.yardsticks()
        assert list(enlargements) == ["nearest", "bilinear", "bicubic", "lanczos"]
        for method, yardstick in enlargements.items():  # each its own, not all the last one
            assert torch.equal(yardstick(seen), enlarge(seen, 2, method))


def test_the_median_filter_of_a_noisy_image_is_less_the_mean_of_the_noise(noise: Noise) -> None:
    black = torch.zeros(20, 1, 8, 8)
    back = Noisy(0.5, 0.05).yardsticks()["median_filter"](Noisy(0.5, 0.05)(black, noise))
    assert back.mean() < 0.02


@pytest.mark.parametrize("way", ["non_local_means", "wavelet_thresholding"])
@pytest.mark.parametrize("std", [0.1, [0.0, 0.2]], ids=["known", "to be estimated"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_learns_nothing_takes_noise_away(
    channels: int, std: Spread, way: str, pictures: Pictures, noise: Noise
) -> None:
    images = pictures(4, (channels, 32, 40))
    noisy = Noisy(0.1, std, clamp=False)
    seen = noisy(images, noise)
    errors = {
        name: float((back(seen) - images).square().mean())
        for name, back in noisy.yardsticks().items()
    }
    assert errors[way] < errors["noisy_input"] / 3


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
        # Pixel centres lie at halves; beyond the border the border pixel is repeated.
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
def test_lanczos_enlargement_is_pillow_s(noise: Noise, size: tuple[int, int], factor: int) -> None:
    images = torch.rand(2, 3, *size, generator=noise.generator)
    enlarged = enlarge(images, factor, "lanczos")
    height, width = (factor * side for side in size)
    assert enlarged.shape == (2, 3, height, width)
    for image, result in zip(images.flatten(0, 1), enlarged.flatten(0, 1), strict=True):
        pillow = Image.fromarray(image.numpy()).resize((width, height), Image.Resampling.LANCZOS)
        np.testing.assert_allclose(result, np.clip(np.asarray(pillow), 0, 1), atol=1e-5)
