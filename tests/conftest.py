"""Small pictures and noise for the tests of the core."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autoencoders.randomness import Noise

# Networks of a few weights lose more to threads waiting for each other than they gain.
torch.set_num_threads(1)


@pytest.fixture
def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def blobs() -> Callable[..., Tensor]:
    """`blobs(n, shape)`: n images of one soft blob each, uint8 `(n, C, H, W)`, never two alike."""

    def draw(n: int, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Tensor:
        channels, height, width = shape
        random = torch.Generator().manual_seed(seed)
        x, y, radius = torch.rand(3, n, channels, 1, 1, generator=random).unbind()
        rows = torch.linspace(0, 1, height).view(height, 1)
        columns = torch.linspace(0, 1, width)
        squared = (rows - y) ** 2 + (columns - x) ** 2
        return (255 * torch.exp(-squared / (0.15 + 0.2 * radius) ** 2)).round().to(torch.uint8)

    return draw


@pytest.fixture
def pictures(blobs: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`pictures(n, shape)`: the same blobs as the networks get them, float32 in [0, 1]."""
    return lambda *arguments: blobs(*arguments).float() / 255
