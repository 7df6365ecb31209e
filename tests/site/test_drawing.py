"""What a network gets of a drawing: drawing.js computes it from these numbers."""

from typing import Any

import numpy as np
import pytest
import torch

from autoencoders.randomness import Noise
from autoencoders.site.drawing import apply_input, choose_examples, encoder_input
from autoencoders.variants.inputs import INPUTS
from tests.examples import build

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("factor", [2, 4, 7])
@pytest.mark.parametrize("reduction", ["average", "bilinear", "bicubic"])
def test_the_matrix_makes_the_image_as_small_as_in_training(
    reduction: str, factor: int, noise: Noise
) -> None:
    entry = {"kind": "downsampled", "factor": factor, "reduction": reduction}
    found = apply_input(IMAGES.numpy(), encoder_input(entry))
    np.testing.assert_allclose(found, build(INPUTS, entry)(IMAGES, noise), atol=1e-6)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"kind": "clean"}, (0.0, 0.0, True)),
        ({"kind": "noisy", "mean": 0.5, "std": 0.3}, (0.5, 0.3, True)),
        ({"kind": "noisy", "mean": 0.0, "std": [0.1, 0.5], "clamp": False}, (0.0, 0.3, False)),
    ],
)
def test_noise_is_that_of_the_training(
    entry: dict[str, Any], expected: tuple[float, float, bool]
) -> None:
    found = encoder_input(entry)
    assert (found["mean"], found["std"], found["clamp"]) == pytest.approx(expected)
    assert found["matrix"] is None


def test_images_get_noise() -> None:
    given = encoder_input({"kind": "noisy", "mean": 0.1, "std": 0.05})
    grey = np.full((9, 1, 28, 28), 0.4, np.float32)
    found = apply_input(grey, given)
    assert (found.mean(), found.std()) == pytest.approx((0.5, 0.05), abs=2e-3)
    np.testing.assert_array_equal(found, apply_input(grey, given))


def test_examples_have_different_classes_if_possible() -> None:
    assert choose_examples([3, 3, 1, 3, 0, 1, 2, 4]) == [0, 2, 4, 6, 7]
    assert choose_examples([1, 1, 1, 0, 1, 1]) == [0, 3, 1, 2, 4]
    assert choose_examples([1, 1]) == [0, 1]
