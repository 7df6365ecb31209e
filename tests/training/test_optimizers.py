"""Optimisers and learning-rate schedules, compared with independent formulas."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from autoencoders.training.muon import Muon, orthogonalise
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES
from autoencoders.training.schedules import constant, one_cycle
from tests.examples import example_arguments


def random_matrix(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))


def numpy_newton_schulz(matrix: np.ndarray) -> np.ndarray:
    """Apply the iteration to the singular values: s → as + bs³ + cs⁵, five times."""
    u, s, v = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return (u * s) @ v


SIZES = [(8, 8), (16, 6), (6, 16), (1, 9), (9, 1)]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_orthogonalise_brings_singular_values_near_one_and_keeps_the_vectors(
    rows: int, columns: int
) -> None:
    matrix = random_matrix(rows, columns)
    (result,) = orthogonalise([matrix])
    assert result.shape == matrix.shape
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    in_the_same_basis = u.T @ result @ v.T
    s = in_the_same_basis.diagonal()
    torch.testing.assert_close(in_the_same_basis, s.diag(), atol=1e-4, rtol=0)
    assert s.min() > 0.6
    assert s.max() < 1.3


def test_orthogonalise_of_zero_is_zero() -> None:
    (result,) = orthogonalise([torch.zeros(3, 4)])
    assert torch.equal(result, torch.zeros(3, 4))


@pytest.mark.parametrize("largest", [(8, 144), (128, 136)])
def test_orthogonalise_accepts_matrices_of_different_sizes(largest: tuple[int, int]) -> None:
    matrices = [random_matrix(*size) for size in [*SIZES, largest]]
    for matrix, result in zip(matrices, orthogonalise(matrices), strict=True):
        np.testing.assert_allclose(result, numpy_newton_schulz(matrix.numpy()), atol=1e-4)


@pytest.mark.parametrize("shape", [(8, 8), (16, 6), (6, 16)])
def test_muon_matches_torch_muon_on_matrices(shape: tuple[int, int]) -> None:
    weight = nn.Parameter(random_matrix(*shape))
    reference = nn.Parameter(weight.detach().clone())
    ours = Muon([weight], lr=0.1, momentum=0.9)
    theirs = torch.optim.Muon([reference], lr=0.1, momentum=0.9, weight_decay=0, nesterov=True)
    for step in range(4):
        before = weight.detach().clone()
        weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(step))
        reference.grad = weight.grad.clone()
        ours.step()
        theirs.step()
        # torch.optim.Muon iterates in bfloat16.
        assert (weight - reference).norm() < 0.03 * (weight - before).norm() * (step + 1)


def test_muon_flattens_kernels_and_scales_by_their_shape() -> None:
    weight = nn.Parameter(torch.randn(16, 1, 3, 3))
    expected, momentum = weight.detach().double().numpy(), np.zeros((16, 9))
    optimizer = Muon([weight], lr=0.1, momentum=0.9)
    for _ in range(3):
        weight.grad = torch.randn_like(weight)
        gradient = weight.grad.double().numpy().reshape(16, 9)
        momentum = 0.9 * momentum + 0.1 * gradient
        nesterov = 0.1 * gradient + 0.9 * momentum
        update = 0.1 * math.sqrt(16 / 9) * numpy_newton_schulz(nesterov)
        expected = expected - update.reshape(16, 1, 3, 3)
        optimizer.step()
    np.testing.assert_allclose(weight.detach(), expected, atol=1e-4)


def test_muon_does_not_change_a_weight_without_gradient() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    Muon([weight], lr=0.1, momentum=0.9).step()
    assert torch.equal(weight, torch.ones(2, 2))


def test_muon_updates_weights_and_adam_updates_biases() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(3, 4))
    optimizers = OPTIMIZERS["muon"](
        list(network.parameters()), lr=0.02, momentum=0.95, adam_lr=1e-3, eps=1e-8
    )
    first, second = (optimizer.param_groups[0] for optimizer in optimizers)
    assert [p.ndim for p in first["params"]] == [4, 2]
    assert [p.ndim for p in second["params"]] == [1, 1]
    assert (first["lr"], first["momentum"]) == (0.02, 0.95)
    assert (second["lr"], second["eps"]) == (1e-3, 1e-8)


@pytest.mark.parametrize("kind", ["adam", "rmsprop"])
def test_first_step_matches_the_published_formula(kind: str) -> None:
    weight = nn.Parameter(torch.zeros(3))
    (optimizer,) = OPTIMIZERS[kind]([weight], lr=0.01, eps=0.5)
    gradient = torch.tensor([1.0, -2.0, 0.1])
    weight.grad = gradient.clone()
    optimizer.step()
    # Adam's corrected averages are the gradient and its square; RMSprop's average starts at 0.
    root = gradient.abs() if kind == "adam" else (0.01 * gradient.square()).sqrt()
    torch.testing.assert_close(weight.detach(), -0.01 * gradient / (root + 0.5))


def test_adam_with_beta1_0_has_no_memory_of_earlier_gradients() -> None:
    weight = nn.Parameter(torch.zeros(1))
    (optimizer,) = OPTIMIZERS["adam"]([weight], lr=0.01, beta1=0.0)
    for gradient in (5.0, -1.0):
        before = weight.item()
        weight.grad = torch.tensor([gradient])
        optimizer.step()
    corrected = (0.999 * 0.001 * 25 + 0.001 * 1) / (1 - 0.999**2)
    assert weight.item() - before == pytest.approx(0.01 / math.sqrt(corrected), rel=1e-4)


def test_every_registered_optimiser_reduces_a_loss() -> None:
    for kind, build in OPTIMIZERS.items():
        torch.manual_seed(0)
        layer = nn.Linear(5, 5)
        rates = dict.fromkeys(next(example_arguments(build)), 0.1)
        optimizers = build(list(layer.parameters()), **rates)
        losses = []
        for _ in range(60):
            layer.zero_grad()
            loss = (layer(torch.eye(5)) - 1).square().mean()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.1 * losses[0], kind


def test_a_constant_schedule_keeps_the_rate() -> None:
    assert [constant()(done) for done in (0, 0.5, 0.999)] == [1, 1, 1]


def test_one_cycle_rises_to_the_full_rate_and_falls_to_its_final_share() -> None:
    factor = one_cycle(warmup=0.2, final=0.1)
    shares = [0, 0.1, 0.2, 0.6, 1]
    assert [factor(done) for done in shares] == pytest.approx([0, 0.5, 1, 0.55, 0.1])


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_one_cycle_at_the_ends_of_its_range(warmup: float) -> None:
    factor = one_cycle(warmup=warmup, final=0.0)
    expected = [1, 0.5] if warmup == 0 else [0, 0.5]
    assert [factor(done) for done in (0, 0.5)] == pytest.approx(expected)


def test_every_registered_schedule_stays_between_zero_and_one() -> None:
    for kind, build in SCHEDULES.items():
        factor = build(**next(example_arguments(build)))
        values = [factor(done / 100) for done in range(100)]
        assert min(values) >= 0, kind
        assert max(values) == pytest.approx(1), kind
