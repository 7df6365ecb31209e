"""All questions together: every number that a variant is answered with is one that tables know."""

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

SHAPE = (3, 12, 12)  # the structural similarity needs 11
CLASSES = 3
COUNTS = {"train": 60, "validation": 20, "test": 24}
# One variant of each model with each objective that it can learn by.
KINDS = {
    f"{parts.model.kind}-{parts.objective.kind}": parts for parts in example_parts(SHAPE).values()
}
SETTINGS = settings(
    samplers=list(SAMPLERS), fitted_codes=30, noise_levels={kind: [0.1] for kind in INPUTS}
)


@pytest.fixture(scope="module")
def answered(blobs: Blobs) -> Mapping[str, Mapping[str, Any]]:
    """What every model with every objective that it can learn by is answered with."""
    images = {
        split: blobs(count, SHAPE, seed) for seed, (split, count) in enumerate(COUNTS.items())
    }
    labels = {split: torch.arange(count) % CLASSES for split, count in COUNTS.items()}
    torch.manual_seed(0)
    classifier = ConvClassifier(SHAPE, CLASSES, [4, 4], 5).eval().requires_grad_(False)

    def answer(parts: Parts) -> Mapping[str, Any]:
        trained = loaded(
            untrained(parts, SHAPE), images, labels=labels, input_kind=parts.input.kind
        )
        return measure_all(trained, judge(classifier, images["test"]), SETTINGS)

    return {name: answer(parts) for name, parts in KINDS.items()}


def of_features(key: str) -> str:
    """Return a metric's name without the number of labels, and without being a deviation."""
    return re.sub(r"_\d+(_std)?$", "", key)


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_a_metric_that_says_what_it_is(
    kind: str, answered: Mapping[str, Mapping[str, Any]]
) -> None:
    known = {metric.key for metric in IMAGE_METRICS}
    known_of_features = {metric.key for metric in FEATURE_METRICS}
    answer = dict(answered[kind])
    yardsticks = answer.pop("yardsticks")
    assert answer.pop("noise_sweep")["n_images"] == 8  # it is drawn, and stands in no table
    for numbers in (answer, *yardsticks.values()):
        for key, value in numbers.items():
            assert key in known or of_features(key) in known_of_features, key
            assert isinstance(value, int | float), key


def test_every_metric_is_an_answer_to_some_variant(
    answered: Mapping[str, Mapping[str, Any]],
) -> None:
    answers = {of_features(key) for answer in answered.values() for key in answer}
    assert {metric.key for metric in (*IMAGE_METRICS, *FEATURE_METRICS)} <= answers


def test_metrics_have_a_name_of_their_own_and_words() -> None:
    metrics: tuple[Metric, ...] = (*IMAGE_METRICS, *FEATURE_METRICS)
    for named in ([m.key for m in metrics], [m.label for m in metrics]):
        assert len(set(named)) == len(named)
    for metric in metrics:
        assert metric.label
        assert metric.meaning
        assert metric.digits >= 0


def test_yardsticks_stand_together_whatever_question_measured_them(
    answered: Mapping[str, Mapping[str, Any]],
) -> None:
    for answer in answered.values():
        assert {"mean_image", "pca"} <= set(answer["yardsticks"])
        assert "psnr" in answer["yardsticks"]["pca"]
        # Features are measured where there is a latent that compresses: both sides, or neither.
        assert ("probe_accuracy" in answer["yardsticks"]["pca"]) == ("probe_accuracy" in answer)
    assert any("probe_accuracy" in answer for answer in answered.values())


def test_a_number_that_is_not_finite_is_left_out_and_said(
    blobs: Blobs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"good": 1.0, "bad": math.nan, "large": math.inf}
    monkeypatch.setattr(
        code_statistics, "measure", lambda _: {**found, "yardsticks": {"pca": found}}
    )
    trained = loaded(untrained(KINDS["mlp_vae-variational"], SHAPE), blobs(2, SHAPE))
    answered = measure_all(trained, None, SETTINGS)
    assert answered["good"] == answered["yardsticks"]["pca"]["good"] == 1.0
    for numbers in (answered, answered["yardsticks"]["pca"]):
        assert not {"bad", "large"} & set(numbers)
    assert "left out: large, because its value is inf" in capsys.readouterr().err
