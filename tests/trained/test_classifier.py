from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autoencoders import files, params, paths, tracking, yaml12
from autoencoders.datasets import prepared
from autoencoders.errors import UserError
from autoencoders.param_types import Bytes
from autoencoders.paths import RECORD, WEIGHTS
from autoencoders.pipeline import Item
from autoencoders.stages import classify
from autoencoders.trained import classifier
from autoencoders.trained.classifier import ADAPTER, MOMENTS, ClassifierDescription, Judge, moments
from autoencoders.training.classifier import measure
from autoencoders.variants.classifier import ConvClassifier
from tests.saved import PARAMS
from tests.training.helpers import CPU, SHAPE, Blobs, halves, tiny_classifier


@pytest.fixture
def description() -> ClassifierDescription:
    """Two classes of small images, and a network that trains within seconds."""
    return ClassifierDescription(
        dataset="mnist",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=SHAPE,
        classes=2,
        settings=tiny_classifier(),
    )


def random_judge(description: ClassifierDescription) -> Judge:
    return Judge(ConvClassifier(SHAPE, 2, [4, 4], 8), moments(torch.rand(20, 8)))


def test_a_loaded_classifier_equals_the_saved_one_and_is_frozen(
    tmp_path: Path, description: ClassifierDescription
) -> None:
    judge, images = random_judge(description), torch.rand(3, 1, 8, 8)
    classifier.save(tmp_path / "classifier", description, judge)
    loaded = classifier.load(tmp_path / "classifier")
    assert loaded is not None
    assert torch.equal(loaded(images), judge.classifier(images))
    with_moments = classifier.load_judge(tmp_path / "classifier")
    assert with_moments is not None
    assert torch.equal(with_moments.classifier(images), judge.classifier(images))
    assert all(map(torch.equal, with_moments.moments, judge.moments))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert ADAPTER.validate_python(yaml12.read(tmp_path / "classifier" / RECORD)) == description
    teacher, digest = classifier.load_teacher(tmp_path / "classifier", CPU)
    assert torch.equal(teacher(images), judge.classifier(images))
    assert digest == files.digest(tmp_path / "classifier" / WEIGHTS)
    (tmp_path / "classifier" / MOMENTS).unlink()
    assert classifier.load(tmp_path / "classifier") is not None  # `load` needs no moments


def test_a_dataset_of_one_class_has_a_record_and_no_classifier(
    tmp_path: Path, description: ClassifierDescription
) -> None:
    single = replace(description, classes=1)
    folder = tmp_path / "classifier"
    classifier.save(folder, single, None)
    assert classifier.load(folder) is None
    assert classifier.load_judge(folder) is None
    assert ADAPTER.validate_python(yaml12.read(folder / RECORD)) == single
    with pytest.raises(
        UserError, match=r"^objective: found perceptual, .* one class; allowed: another objective"
    ):
        classifier.load_teacher(folder, CPU)


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("size", [1, 4])
def test_moments_equal_numpy_s_and_one_vector_has_no_variance(count: int, size: int) -> None:
    features = torch.rand(count, size)
    found = moments(features)
    np.testing.assert_allclose(found.mean, features.double().numpy().mean(0))
    expected = np.cov(features.double(), rowvar=False) if count > 1 else np.zeros(1)
    np.testing.assert_allclose(found.covariance, np.broadcast_to(expected, (size, size)))


@pytest.mark.parametrize("classes", [1, 2])
def test_the_stage_writes_weights_and_accuracies_only_for_two_classes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    description: ClassifierDescription,
    blobs: Blobs,
    classes: int,
) -> None:
    def load(folder: Path, split: str) -> tuple[Bytes, Bytes]:
        images, labels = halves(blobs, 100, len(split))
        return np.asarray(images), np.asarray(labels)

    monkeypatch.chdir(tmp_path)
    metadata = prepared.Metadata(
        *("mnist", "MNIST", "stand-in", ("a", "b")[:classes], SHAPE), splits={}, sha256="0" * 64
    )
    monkeypatch.setattr(prepared, "load_metadata", lambda folder: metadata)
    monkeypatch.setattr(prepared, "load", load)
    shipped = params.load(PARAMS)
    loaded = shipped.model_copy(update={"classifier": description.settings})
    item = Item("classify", "mnist")
    message = classify.produce(loaded, item, tracking.NullRun())
    assert all(output.exists() for output in item.outputs)
    measured = files.read_json(paths.classifier_metrics("mnist"))
    assert (measured["source"], measured["classes"]) == ("stand-in", classes)
    judge = classifier.load_judge(paths.classifier("mnist"))
    if classes == 1:
        assert "has one class" in message
        assert not any(name.endswith("_accuracy") for name in measured)
        assert judge is None
    else:
        assert judge is not None
        network, test_images = judge.classifier, halves(blobs, 100, len("test"))[0]
        expected_moments = moments(network.features(test_images / 255))
        torch.testing.assert_close(judge.moments, expected_moments)
        for split in ("validation", "test"):
            expected = measure(network, halves(blobs, 100, len(split)), CPU)["accuracy"]
            assert measured[f"{split}_accuracy"] == pytest.approx(expected)
