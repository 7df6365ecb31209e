"""The contract of every sampler, and each sampler against independent formulas."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from autoencoders.param_types import SamplerName
from autoencoders.randomness import Noise
from autoencoders.samplers import SAMPLERS, mixture
from autoencoders.samplers.base import Sampler
from autoencoders.samplers.build import build as build_for
from autoencoders.samplers.gaussian import GaussianSampler
from autoencoders.samplers.mixture import MixtureSampler
from autoencoders.samplers.prior import PriorSampler
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL
from tests.codes import correlated


def fresh(seed: int = 0) -> Noise:
    return Noise(torch.Generator().manual_seed(seed))


def fitted(sampler: Sampler, codes: Tensor) -> Sampler:
    sampler.fit(codes)
    return sampler


def build(name: str) -> Sampler:
    sampler = build_for(name, STANDARD_NORMAL)
    assert sampler is not None
    return sampler


def numpy_state() -> str:
    """Return the state of NumPy's global generator, scikit-learn's default."""
    with np.printoptions(threshold=10_000):
        return str(np.random.get_state())  # noqa: NPY002


# --- every sampler


def test_params_allow_every_sampler() -> None:
    assert set(get_args(SamplerName)) == set(SAMPLERS)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("shape", [(1,), (2,), (40,), (3, 4, 4)])
@pytest.mark.parametrize("count", [2, 3, 100])  # also fewer codes than a mixture has Gaussians
def test_draws_are_reproducible_codes_of_any_shape(
    name: str, shape: tuple[int, ...], count: int
) -> None:
    codes = correlated(count, *shape)
    unchanged = codes.clone()
    before = torch.random.get_rng_state(), numpy_state()
    sampler = fitted(build(name), codes)
    drawn = sampler.draw(7, fresh())
    assert drawn.shape == (7, *shape)
    assert drawn.dtype == torch.float32
    assert drawn.isfinite().all()
    assert torch.equal(drawn, sampler.draw(7, fresh()))
    assert torch.equal(drawn, fitted(build(name), codes).draw(7, fresh()))
    assert not torch.equal(drawn, sampler.draw(7, fresh(1)))
    assert torch.equal(codes, unchanged)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert numpy_state() == before[1]


@pytest.mark.parametrize("name", SAMPLERS)
def test_two_draws_from_one_source_of_noise_differ(name: str, noise: Noise) -> None:
    sampler = fitted(build(name), correlated(50, 4))
    assert not torch.equal(sampler.draw(5, noise), sampler.draw(5, noise))


@pytest.mark.parametrize("name", SAMPLERS)
def test_only_samplers_that_need_codes_depend_on_them(name: str) -> None:
    drawn, drawn_after_shift = (
        fitted(build(name), codes).draw(5, fresh())
        for codes in (correlated(50, 4), 10 + correlated(50, 4))
    )
    assert torch.equal(drawn, drawn_after_shift) == (not SAMPLERS[name].needs_codes)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_that_need_a_prior_are_none_without_one(name: str) -> None:
    assert (build_for(name, None) is None) == SAMPLERS[name].needs_prior


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_has_a_title_and_takes_only_its_settings(name: str) -> None:
    sampler = build_for(name, STANDARD_NORMAL, components=7, other="ignored")
    assert sampler is not None
    assert sampler.title
    if isinstance(sampler, MixtureSampler):
        assert sampler.components == 7
        assert "7" in sampler.title


# --- the prior


def test_the_prior_sampler_draws_from_the_prior() -> None:
    sampler = fitted(PriorSampler(STANDARD_NORMAL), correlated(2, 3, 4))
    assert torch.equal(sampler.draw(5, fresh()), STANDARD_NORMAL.draw((5, 3, 4), fresh()))


# --- the samplers that are fitted to codes


def test_draws_from_the_gaussian_have_the_codes_mean_and_covariance(noise: Noise) -> None:
    codes = correlated(300, 2, 2)
    drawn = fitted(GaussianSampler(), codes).draw(20_000, noise)
    assert drawn.shape == (20_000, 2, 2)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.1, rtol=0)
    expected = codes.flatten(1).T.cov()
    torch.testing.assert_close(drawn.flatten(1).T.cov(), expected, atol=0.3, rtol=0)


@pytest.mark.parametrize("mixture_dimensions", [32, 2])
def test_draws_from_the_mixture_are_in_the_clusters_of_the_codes(
    mixture_dimensions: int, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three clusters at -10, 0 and 10 on one of twelve axes; one Gaussian also covers the gaps."""
    monkeypatch.setattr(mixture, "DIMENSIONS", mixture_dimensions)
    random = torch.Generator().manual_seed(1)
    codes = torch.randn(900, 3, 2, 2, generator=random)
    codes[:, 0, 0, 0] += torch.tensor([-10.0, 0.0, 10.0]).repeat(300)

    def gaps(drawn: Tensor) -> float:
        positions = drawn[:, 0, 0, 0].abs()
        return ((positions > 3.5) & (positions < 6.5)).float().mean().item()

    drawn = fitted(MixtureSampler(3), codes).draw(500, noise)
    assert drawn.shape == (500, 3, 2, 2)
    assert gaps(drawn) < 0.02 < 0.1 < gaps(fitted(GaussianSampler(), codes).draw(500, noise))
    torch.testing.assert_close(drawn[:, 1:].std(0), codes[:, 1:].std(0), atol=0.15, rtol=0)
    assert torch.equal(drawn, fitted(MixtureSampler(3), codes).draw(500, fresh()))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("different", [1, 3])
def test_a_mixture_has_at_most_as_many_gaussians_as_different_codes(
    different: int, noise: Noise
) -> None:
    sampler = MixtureSampler(components=10)
    sampler.fit(correlated(different, 4).repeat(5, 1))
    assert f"a mixture of {different} " in sampler.title
    assert sampler.draw(7, noise).isfinite().all()


def test_draws_from_the_mixture_are_sorted_by_gaussian(noise: Noise) -> None:
    codes = torch.cat([correlated(100, 2) - 100, correlated(100, 2) + 100])
    sides = fitted(MixtureSampler(2), codes).draw(200, noise)[:, 0] > 0
    assert 60 < sides.sum() < 140  # about half: both clusters have 100 codes
    assert (sides[1:] != sides[:-1]).sum() == 1


@pytest.mark.parametrize("mixture_dimensions", [32, 2])
def test_a_mixture_of_one_gaussian_equals_the_gaussian_sampler(
    mixture_dimensions: int, noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixture, "DIMENSIONS", mixture_dimensions)
    codes = correlated(300, 2, 2)
    drawn = fitted(MixtureSampler(1), codes).draw(20_000, noise)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.1, rtol=0)
    expected = codes.flatten(1).T.cov()
    torch.testing.assert_close(drawn.flatten(1).T.cov(), expected, atol=0.3, rtol=0)


def test_a_constant_dimension_has_almost_no_variance(noise: Noise) -> None:
    codes = torch.cat([correlated(100, 3), torch.full((100, 1), 7.0)], dim=1)
    drawn = fitted(MixtureSampler(2), codes).draw(50, noise)
    assert drawn[:, 3].std() < 0.02 * drawn[:, :3].std()
    assert drawn[:, 3].mean().item() == pytest.approx(7, abs=0.02)
