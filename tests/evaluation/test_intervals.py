"""Intervals are compared with SciPy's t-tests, and with a table of the t-distribution."""

import math
from collections.abc import Sequence

import pytest
from scipy import stats

from autoencoders.evaluation.intervals import Interval, interval, paired_difference

PSNR = {1: 14.67, 2: 14.61, 3: 14.75, 4: 14.58, 5: 14.70}
OTHER = {2: 14.40, 3: 14.51, 4: 14.41, 5: 14.46, 6: 19.0}


@pytest.mark.parametrize("values", [[*PSNR.values()], [0.25, 0.5], [-3.0, 1e6, 2.0]])
def test_interval_is_that_of_scipy(values: Sequence[float]) -> None:
    found = interval(values)
    assert found is not None
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.n == len(values)


def test_half_width_of_five_seeds_has_the_quantile_of_printed_tables() -> None:
    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])  # the standard deviation is √2.5
    assert found is not None
    assert found.half_width == pytest.approx(2.776 * math.sqrt(2.5 / 5), abs=1e-3)


def test_one_value_has_no_interval() -> None:
    assert interval([1.0]) is None
    assert paired_difference(PSNR, {5: 1.0, 6: 2.0}) is None


def test_paired_difference_uses_the_common_seeds_only() -> None:
    found, common = paired_difference(PSNR, OTHER), [2, 3, 4, 5]
    assert found is not None
    ours, theirs = ([values[seed] for seed in common] for values in (PSNR, OTHER))
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.n == 4
    assert not found.contains_zero
    assert paired_difference(OTHER, PSNR) == Interval(-found.mean, found.half_width, 4)


@pytest.mark.parametrize("shift", [0.0, 0.04, 0.08])
def test_interval_contains_zero_if_the_t_test_does_not_reject(shift: float) -> None:
    other = {seed: value - shift - 0.05 * (-1) ** seed for seed, value in PSNR.items()}
    found = paired_difference(PSNR, other)
    assert found is not None
    p = stats.ttest_rel([*PSNR.values()], [*other.values()]).pvalue
    assert found.contains_zero == (p > 0.05)
