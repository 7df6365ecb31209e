"""Bicubic enlargement, against PyTorch's."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from autoencoders.application.bicubic import enlarge


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 8), (1, 17, 2)])
def test_equals_pytorch(factor: int, shape: tuple[int, int, int]) -> None:
    planes = np.random.default_rng(0).random(shape, np.float32)
    expected = F.interpolate(torch.from_numpy(planes)[None], scale_factor=factor, mode="bicubic")
    np.testing.assert_allclose(enlarge(planes, factor), expected[0].numpy(), atol=2e-6)
