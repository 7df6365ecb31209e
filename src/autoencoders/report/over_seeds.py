"""The report's table of metrics over several seeds, and the differences of pairs of variants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from autoencoders.evaluation.intervals import Interval, interval, paired_difference
from autoencoders.report.metrics import Metric
from autoencoders.report.results import DatasetResults, VariantResult


@dataclass(frozen=True)
class SeedTable:
    """Metrics as rows, variants as columns.

    Attributes:
        variants: the variants with results for several seeds.
        rows: metrics with one text per variant, such as `14.67 ± 0.12`.
        differences: first variant → second variant → the paired differences, for the script.
    """

    variants: Sequence[VariantResult]
    rows: Sequence[tuple[Metric, Sequence[str]]]
    differences: dict[str, dict[str, Any]]


def seed_table(dataset: DatasetResults, metrics: Sequence[Metric]) -> SeedTable | None:
    """Return the table of a dataset; None if no variant has results for several seeds."""
    variants = [result for result in dataset.variants if result.n_seeds > 1]
    if not variants:
        return None
    rows = [(metric, [_cell(metric, result) for result in variants]) for metric in metrics]
    differences: dict[str, dict[str, Any]] = {result.name: {} for result in variants}
    for one, other in combinations(variants, 2):
        pair = _differences(metrics, one, other)
        if pair["n"]:
            differences[one.name][other.name] = pair
    present = [row for row in rows if any(cell != "–" for cell in row[1])]
    return SeedTable(variants, present, differences)


def _cell(metric: Metric, result: VariantResult) -> str:
    found = interval([*result.seed_values(metric.key).values()])
    return interval_text(metric, found, result.n_seeds) if found else "–"


def _differences(
    metrics: Sequence[Metric], one: VariantResult, other: VariantResult
) -> dict[str, Any]:
    """Return the number of common seeds, and each metric's difference by key.

    A difference is its text and whether its interval contains zero.
    """
    keys = [metric.key for metric in metrics]
    computed = [paired_difference(one.seed_values(key), other.seed_values(key)) for key in keys]
    found = [(m, difference) for m, difference in zip(metrics, computed, strict=True) if difference]
    n = max((difference.n for _, difference in found), default=0)
    return {
        "n": n,
        "outdated": bool(one.seeds_changes or other.seeds_changes),
        "metrics": {
            metric.key: [
                interval_text(metric, difference, n, signed=True),
                difference.contains_zero,
            ]
            for metric, difference in found
        },
    }


def interval_text(metric: Metric, found: Interval, n: int, signed: bool = False) -> str:
    """Return an interval as text: `14.67 ± 0.12`, and `(n = 4)` if the number of seeds is not `n`.

    The half-width has one significant digit, or two if the first is 1. A difference has a sign and
    two digits, because with one, `+0.2 ± 0.2` would hide whether the interval contains zero.
    """
    digits = metric.digits
    if found.half_width > 0:
        place = math.floor(math.log10(found.half_width / (1 if signed else 2)))
        digits = min(max(signed - place, 0), digits + 2)
    mean = round(found.mean, digits) + 0.0  # −0.0 becomes 0.0
    text = f"{mean:{'+' if signed and mean else ''}.{digits}f} ± {found.half_width:.{digits}f}"
    return text.replace("-", "−") + (f" (n = {found.n})" if found.n != n else "")
