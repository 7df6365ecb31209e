"""Tests of `latent_experiments` against independent computations of the same numbers."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from autoencoders import decomposition
from autoencoders.figures import latent_experiments
from autoencoders.figures.latent_experiments import (
    interpolate_linearly,
    interpolate_spherically,
    perturbations,
    principal_plane,
)
from tests.codes import correlated

HALVES = torch.tensor([0.0, 0.25, 0.5, 1.0])


# --- the principal plane


@pytest.mark.parametrize("exact_dimensions", [1024, 4])
def test_plane_equals_principal_component_analysis(
    exact_dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decomposition, "MAX_EXACT_DIMENSIONS", exact_dimensions)
    codes = correlated(200, 2, 3, 2)
    plane, shares = principal_plane(codes)
    reference = PCA(2).fit(codes.flatten(1).numpy())
    expected = reference.transform(codes.flatten(1).numpy())
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, rtol=1e-3)
    signs = np.sign((plane.numpy() * expected).sum(axis=0))
    np.testing.assert_allclose(plane.numpy() * signs, expected, atol=2e-2)


def test_plane_of_a_large_latent_does_not_use_the_global_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decomposition, "MAX_EXACT_DIMENSIONS", 4)
    before = torch.random.get_rng_state()
    first, again = (principal_plane(correlated(50, 12))[0] for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), before)


# --- perturbations


def decode_with_gains(latents: Tensor) -> Tensor:
    """Decode latents `(N, 2, 2)` to images of one row: four pixels with gains 1, 10, 0 and 2."""
    return (latents.flatten(1) * torch.tensor([1.0, 10.0, 0.0, 2.0])).view(-1, 1, 1, 4)


def test_dimensions_are_sorted_by_the_change_of_the_image() -> None:
    latent = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    deviations = torch.tensor([[1.0, 0.5], [100.0, 1.0]])
    steps = torch.tensor([-3.0, 0.0, 3.0])
    found = perturbations(decode_with_gains, latent, deviations, steps, count=3)
    assert [one.index for one in found] == [(0, 1), (1, 1), (0, 0)]
    # Pixel 1 moves by 10 · 0.5 · 3 = 15 at two of three steps, and is one of four pixels.
    assert found[0].change == pytest.approx(15**2 * 2 / 3 / 4)
    assert found[1].change == pytest.approx(6**2 * 2 / 3 / 4)
    assert found[0].images[:, 0, 0].tolist() == [
        *([5.0, 45.0, 0.0, 16.0], [5.0, 60.0, 0.0, 16.0], [5.0, 75.0, 0.0, 16.0]),
    ]


def test_only_dimensions_with_the_largest_deviations_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(latent_experiments, "TRIED_DIMENSIONS", 2)
    deviations = torch.tensor([[1.0, 0.5], [100.0, 1.0]])
    found = perturbations(
        decode_with_gains, torch.zeros(2, 2), deviations, torch.tensor([-1.0, 1.0]), count=4
    )
    assert {one.index for one in found} == {(1, 0), (0, 0)}


# --- interpolation


def test_interpolations_start_and_end_at_the_two_latents() -> None:
    start, end = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).unbind()
    for interpolate in (interpolate_linearly, interpolate_spherically):
        points = interpolate(start, end, HALVES)
        assert points.shape == (4, 3, 4, 4)
        torch.testing.assert_close(points[0], start)
        torch.testing.assert_close(points[-1], end)


def test_arc_has_equal_angles_and_lengths_and_line_is_its_chord() -> None:
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    arc, chord = (
        interpolate_spherically(start, end, HALVES),
        interpolate_linearly(start, end, HALVES),
    )
    degrees = torch.rad2deg(torch.atan2(arc[:, 1], arc[:, 0]))
    torch.testing.assert_close(degrees, 90 * HALVES)
    torch.testing.assert_close(arc.norm(dim=1), torch.full((4,), 2.0))
    assert chord[2].norm() == pytest.approx(2**0.5)


def test_points_between_nearly_opposite_latents_are_not_longer_than_both() -> None:
    start, end = torch.tensor([4.0, 0.0]), torch.tensor([-1.0, 0.01])
    lengths = interpolate_spherically(start, end, torch.linspace(0, 1, 11)).norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(4.0, end.norm().item(), 11))


@pytest.mark.parametrize("end", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]])
def test_parallel_latents_are_interpolated_linearly(end: list[float]) -> None:
    start = torch.tensor([1.0, 2.0])
    points = interpolate_spherically(start, torch.tensor(end), HALVES)
    torch.testing.assert_close(points, interpolate_linearly(start, torch.tensor(end), HALVES))
