"""All metrics together: each measured metric is described, and each described one is measured."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from autoencoders.evaluation import code_statistics
from autoencoders.evaluation.measure import measure_all
from autoencoders.report.metrics import FEATURE_METRICS, IMAGE_METRICS, Metric
from autoencoders.samplers import SAMPLERS
from autoencoders.variants.assembly import Parts
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.inputs import INPUTS
from tests.examples import example_parts
from tests.subjects import judge, loaded, settings, untrained

Blobs = Callable[..., Tensor]

SHAPE = (3, 12, 12)  # SSIM needs at least 11 pixels
CLASSES = 3
COUNTS = {"train": 60, "validation": 20, "test": 24}
# One variant for each compatible pair of a model and an objective.
KINDS = {
    f"{parts.model.kind}-{parts.objective.kind}": parts for parts in example_parts(SHAPE).values()
}
BINARY = "mlp_vae-variational"
SETTINGS = settings(
    samplers=list(SAMPLERS),
    fitted_codes=30,
    nll_samples=2,
    noise_levels={kind: [0.1] for kind in INPUTS},
)


@pytest.fixture(scope="module")
def measured(blobs: Blobs) -> Mapping[str, Mapping[str, Any]]:
    """The metrics of each of `KINDS`, and those of `BINARY` on binary images."""
    images = {
        split: blobs(count, SHAPE, seed) for seed, (split, count) in enumerate(COUNTS.items())
    }
    labels = {split: torch.arange(count) % CLASSES for split, count in COUNTS.items()}
    torch.manual_seed(0)
    classifier = ConvClassifier(SHAPE, CLASSES, [4, 4], 5).eval().requires_grad_(False)

    def measure(parts: Parts, images: Mapping[str, Tensor]) -> Mapping[str, Any]:
        trained = loaded(
            untrained(parts, SHAPE), images, labels=labels, input_kind=parts.input.kind
        )
        return measure_all(trained, judge(classifier, images["test"]), SETTINGS)

    binary = {split: 255 * (grey > 127).byte() for split, grey in images.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_statistics, "FRESH_STEPS", 2)  # the default takes seconds
        of_kinds = {name: measure(parts, images) for name, parts in KINDS.items()}
        return {**of_kinds, "binary": measure(KINDS[BINARY], binary)}


def base_name(key: str) -> str:
    """Return a metric's name without the number of labels and without `_std`."""
    return re.sub(r"_\d+(_std)?$", "", key)


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_is_described_in_the_tables(
    kind: str, measured: Mapping[str, Mapping[str, Any]]
) -> None:
    image_metrics = {metric.key for metric in IMAGE_METRICS}
    feature_metrics = {metric.key for metric in FEATURE_METRICS}
    metrics = dict(measured[kind])
    yardsticks = metrics.pop("yardsticks")
    assert metrics.pop("noise_sweep")["n_images"] == 8  # the sweep is in a figure, not in a table
    for numbers in (metrics, *yardsticks.values()):
        for key, value in numbers.items():
            assert key in image_metrics or base_name(key) in feature_metrics, key
            assert isinstance(value, int | float), key


def test_every_described_metric_is_measured_for_some_variant(
    measured: Mapping[str, Mapping[str, Any]],
) -> None:
    keys = {base_name(key) for metrics in measured.values() for key in metrics}
    assert {metric.key for metric in (*IMAGE_METRICS, *FEATURE_METRICS)} <= keys


def test_metrics_have_unique_names_and_descriptions() -> None:
    metrics: tuple[Metric, ...] = (*IMAGE_METRICS, *FEATURE_METRICS)
    for named in ([m.key for m in metrics], [m.label for m in metrics]):
        assert len(set(named)) == len(named)
    for metric in metrics:
        assert metric.label
        assert metric.meaning
        assert metric.digits >= 0


def test_yardsticks_of_all_modules_are_in_one_place(
    measured: Mapping[str, Mapping[str, Any]],
) -> None:
    for metrics in measured.values():
        assert {"mean_image", "pca"} <= set(metrics["yardsticks"])
        assert "psnr" in metrics["yardsticks"]["pca"]
        # Both have feature metrics if the latent is smaller than the input; otherwise neither.
        assert ("probe_accuracy" in metrics["yardsticks"]["pca"]) == ("probe_accuracy" in metrics)
    assert any("probe_accuracy" in metrics for metrics in measured.values())


def test_a_value_that_is_not_finite_is_left_out_with_a_message(
    blobs: Blobs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"good": 1.0, "bad": math.nan, "large": math.inf}
    monkeypatch.setattr(
        code_statistics, "measure", lambda _: {**values, "yardsticks": {"pca": values}}
    )
    trained = loaded(untrained(KINDS["mlp_vae-variational"], SHAPE), blobs(2, SHAPE))
    measured = measure_all(trained, None, SETTINGS)
    assert measured["good"] == measured["yardsticks"]["pca"]["good"] == 1.0
    for numbers in (measured, measured["yardsticks"]["pca"]):
        assert not {"bad", "large"} & set(numbers)
    assert "left out: large, because its value is inf" in capsys.readouterr().err
