"""Computes all metrics of a trained variant."""

import math
from functools import partial

import torch

from autoencoders.errors import report_omission
from autoencoders.evaluation import (
    bounds,
    code_statistics,
    features,
    generation,
    image_quality,
    noise_sweep,
    yardsticks,
)
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.settings import Evaluation
from autoencoders.trained.classifier import Judge
from autoencoders.trained.variant import Trained


@torch.no_grad()
def measure_all(trained: Trained, judge: Judge | None, settings: Evaluation) -> Metrics:
    """Return all metrics of a variant, and those of its yardsticks under `yardsticks`.

    Values that are not finite are left out, because JSON does not allow them. `judge` is the
    dataset's classifier on the variant's device; None for a dataset with one class.
    """
    fitted = yardsticks.fit_yardsticks(
        partial(trained.pairs, "train"), len(trained.data.images("train")), trained.latent_size
    )
    content: Metrics = {}
    for metrics in (
        image_quality.measure(trained, fitted),
        bounds.measure(trained, settings),
        code_statistics.measure(trained),
        generation.measure(trained, judge, settings),
        noise_sweep.measure(trained, settings),
        features.measure(trained, fitted, settings),
    ):
        of_yardsticks = metrics.pop("yardsticks", {})
        assert content.keys().isdisjoint(metrics)  # no two modules return the same metric
        content |= _finite(metrics)
        for name, numbers in of_yardsticks.items():
            content.setdefault("yardsticks", {}).setdefault(name, {}).update(_finite(numbers))
    return content


def _finite(metrics: Metrics) -> Metrics:
    infinite = {k: v for k, v in metrics.items() if isinstance(v, float) and not math.isfinite(v)}
    for name, value in infinite.items():
        report_omission(name, f"its value is {value}")
    return {name: value for name, value in metrics.items() if name not in infinite}
