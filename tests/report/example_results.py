"""Invented results for tests of the report page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autoencoders.evaluation.seed_results import Digests, SeedResults
from autoencoders.figures.section import Section
from autoencoders.report.results import DatasetResults, VariantResult

SECTION = Section(
    title="MNIST",
    source="official",
    image_counts={"train": 54_000, "test": 10_000},
    hyperparameters={},
    best_epoch=1,
    validation_mse=[0.1],
    shown=0,
    pictures=[],
    plane=None,
)


def variant(
    name: str,
    metrics: dict[str, float],
    yardsticks: Mapping[str, Mapping[str, float]] | None = None,
    model_sha256: str = "ab" * 32,
    **others: Any,
) -> VariantResult:
    content = {**metrics, "yardsticks": yardsticks or {}, "model_sha256": model_sha256}
    return VariantResult(name, content, replace(SECTION, **others))


def dataset(*variants: VariantResult, name: str = "mnist", **others: Any) -> DatasetResults:
    first = replace(variants[0], section=replace(variants[0].section, **others))
    return DatasetResults(name, [first, *variants[1:]])


def over_seeds(
    result: VariantResult, changes: Sequence[str] = (), **values: Sequence[float]
) -> VariantResult:
    """Add results of the seeds 1, 2, …: the values of each metric."""
    n = max(map(len, values.values()))
    seeds = {
        seed: {key: numbers[seed - 1] for key, numbers in values.items() if seed <= len(numbers)}
        for seed in range(1, n + 1)
    }
    digests = Digests(params="", data="", code="")
    results = SeedResults("mnist", result.name, "official", 10_000, digests, seeds)
    return replace(result, seeds=results, seeds_changes=changes)
