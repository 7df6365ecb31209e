"""The mean of a metric over several trainings, with its 95 % confidence interval.

The interval is that of Student's t-distribution: it supposes that the values of the seeds are
independent draws from one normal distribution.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """The mean of `n` values and the half of the width of its 95 % confidence interval."""

    mean: float
    half_width: float
    n: int

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width

    @property
    def contains_zero(self) -> bool:
        """Whether 0 is in the interval: then the values do not show a difference."""
        return self.low <= 0 <= self.high


def interval(values: Sequence[float]) -> Interval | None:
    """Return the interval of the mean of values, one per seed; None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    quantile = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    return Interval(fmean(values), quantile * stdev(values) / math.sqrt(n), n)


def paired_difference(one: Mapping[int, float], other: Mapping[int, float]) -> Interval | None:
    """Return the interval of the mean of `one - other` over the seeds that both have.

    Args:
        one: seed → value of a metric.
        other: the same of another variant.

    Returns:
        None if they have fewer than two seeds in common.
    """
    return interval([one[seed] - other[seed] for seed in one if seed in other])
