"""Compares a matrix read in batches with the same matrix in memory."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from autoencoders.evaluation import batched_matrix
from autoencoders.evaluation.batched_matrix import Rows

VECTORS = 3 + torch.randn(23, 50, generator=torch.Generator().manual_seed(0))
OTHERS = torch.randn(4, 50, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched_matrix, "BLOCK", 16)  # so that each vector has several blocks


def batches() -> Iterator[Tensor]:
    return iter(VECTORS.unflatten(1, (2, 5, 5)).split(7))


def test_products_sums_and_variances_equal_those_in_memory() -> None:
    rows, centred = Rows(batches), (VECTORS - VECTORS.mean(0)).double()
    weights = torch.randn(4, 23).double()
    for value, expected in (
        (rows.mean, VECTORS.mean(0)),
        (rows.variance(), VECTORS.var(0)),
        (rows.gram(), centred @ centred.T),
        (rows.products_with(OTHERS), OTHERS.double() @ centred.T),
        (rows.weighted_sums(weights), (weights @ centred).float()),
    ):
        torch.testing.assert_close(value, expected, atol=1e-4, rtol=1e-5)


def test_coordinates_keep_distances_and_inner_products() -> None:
    coordinates = Rows(batches, torch.zeros(50)).coordinates()
    assert coordinates.shape == (23, 23)
    torch.testing.assert_close(torch.cdist(coordinates, coordinates), torch.cdist(VECTORS, VECTORS))
    torch.testing.assert_close(coordinates @ coordinates.T, VECTORS @ VECTORS.T)
