"""What a network gets of a drawing: drawing.js computes it from these numbers."""

from typing import Any

import numpy as np
import pytest
import torch

from autoencoders.randomness import Noise
from autoencoders.site.drawing import choose_examples, encoder_input
from autoencoders.variants.inputs import INPUTS
from tests.examples import build

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("factor", [2, 4, 7])
@pytest.mark.parametrize("reduction", ["average", "bilinear", "bicubic"])
def test_the_matrix_makes_the_image_as_small_as_in_training(
    reduction: str, factor: int, noise: Noise
) -> None:
    entry = {"kind": "downsampled", "factor": factor, "reduction": reduction}
    matrix = torch.tensor(encoder_input(entry)["matrix"])
    expected = build(INPUTS, entry)(IMAGES, noise)
    np.testing.assert_allclose((matrix @ IMAGES @ matrix.T).clamp(0, 1), expected, atol=1e-6)


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


def test_examples_have_different_classes_if_possible() -> None:
    assert choose_examples([3, 3, 1, 3, 0, 1, 2, 4]) == [0, 2, 4, 6, 7]
    assert choose_examples([1, 1, 1, 0, 1, 1]) == [0, 3, 1, 2, 4]
    assert choose_examples([1, 1]) == [0, 1]
