from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoencoders import classifier, files, params, paths, tracking
from autoencoders.classifier import ConvClassifier, Description, Labelled
from autoencoders.data import splits
from autoencoders.errors import UserError
from autoencoders.inputs import ImageShape
from autoencoders.stages import classify
from autoencoders.tracking import StageIdentity

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
SMALL = {"channels": [4, 4], "features": 8, "epochs": 4, "batch_size": 20}


@pytest.fixture
def description() -> Description:
    """Two classes of small images, and a network for seconds."""
    return Description(
        dataset="mnist",
        seed=1,
        source="stand-in",
        data_sha256="0" * 64,
        image_shape=(1, 8, 8),
        classes=2,
        settings=params.load(ROOT / "params.yaml").classifier.model_copy(update=SMALL),
    )


@pytest.fixture
def halves(blobs: Callable[..., Tensor]) -> Callable[[int, int], Labelled]:
    """`halves(n, seed)`: blobs, and whether the left half is the brighter one."""

    def draw(n: int, seed: int) -> Labelled:
        images = blobs(n, (1, 8, 8), seed)
        left, right = (half.float().sum((1, 2, 3)) for half in images.split(4, dim=3))
        return images, (left > right).byte()

    return draw


class Heard:
    """What a training says of itself."""

    def __init__(self) -> None:
        self.steps = 0
        self.rows: list[dict[str, float]] = []

    def step(self) -> None:
        self.steps += 1

    def epoch(self, row: dict[str, float], images_per_second: float) -> None:
        assert images_per_second > 0
        self.rows.append(row)


def train(description: Description, halves: Callable[[int, int], Labelled]) -> ConvClassifier:
    network, heard = classifier.build(description), Heard()
    classifier.train(
        network,
        halves(410, 1),
        halves(200, 2),
        description.settings,
        order=torch.Generator().manual_seed(1),
        device=CPU,
        progress=heard,
    )
    assert heard.steps == 4 * 20  # the last ten images of an epoch's order make no batch
    assert [row["epoch"] for row in heard.rows] == [1, 2, 3, 4]
    assert heard.rows[-1]["train_loss"] < heard.rows[0]["train_loss"]
    return network


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((1, 28, 28), [(14, 14), (7, 7), (4, 4)]),
        ((3, 32, 32), [(16, 16), (8, 8), (4, 4)]),
        ((3, 64, 48), [(32, 24), (16, 12), (8, 6)]),
        ((2, 9, 7), [(5, 4), (3, 2), (2, 1)]),
    ],
)
def test_a_classifier_takes_images_of_any_size_channels_and_classes(
    shape: ImageShape, sizes: list[tuple[int, int]]
) -> None:
    network = ConvClassifier(shape, classes=5, channels=[3, 4, 6], features=7)
    images = torch.rand(2, *shape)
    maps = network.maps(images)
    assert [tuple(m.shape) for m in maps] == [
        (2, c, *size) for c, size in zip([3, 4, 6], sizes, strict=True)
    ]
    features = network.features(images)
    assert features.shape == (2, 7)
    assert network(images).shape == (2, 5)
    torch.testing.assert_close(network(images), network.classes(features))


def test_a_trained_classifier_knows_images_that_it_has_not_seen(
    description: Description, halves: Callable[[int, int], Labelled]
) -> None:
    unseen = halves(500, 3)
    assert classifier.measure(classifier.build(description), unseen, CPU)["accuracy"] < 0.8
    assert classifier.measure(train(description, halves), unseen, CPU)["accuracy"] > 0.95


def test_the_same_seed_gives_the_same_weights(
    description: Description, halves: Callable[[int, int], Labelled]
) -> None:
    first, second = train(description, halves), train(description, halves)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    other = classifier.build(replace(description, seed=2))
    assert not torch.equal(other.hidden.weight, classifier.build(description).hidden.weight)


def test_accuracy_and_loss_are_means_over_images(
    description: Description,
    halves: Callable[[int, int], Labelled],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifier, "BATCH", 7)
    network, (images, labels) = classifier.build(description), halves(30, 2)
    logits = network(images.float() / 255)
    measured = classifier.measure(network, (images, labels), CPU)
    expected = nn.functional.cross_entropy(logits, labels.long()).item()
    assert measured["loss"] == pytest.approx(expected, rel=1e-5)
    right = logits.argmax(1).numpy() == labels.numpy()
    assert measured["accuracy"] == pytest.approx(np.mean(right))


# --- on disk


def test_what_is_loaded_is_what_was_saved_and_learns_no_more(
    tmp_path: Path, description: Description
) -> None:
    network, images = classifier.build(description), torch.rand(3, 1, 8, 8)
    folder = tmp_path / "mnist" / "classifier"
    classifier.save(folder, description, network)
    loaded = classifier.load(folder)
    assert loaded is not None
    assert torch.equal(loaded(images), network(images))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert classifier.load_description(folder) == description
    assert classifier.weights_sha256(folder) == files.digest(folder / classifier.WEIGHTS)


def test_a_dataset_of_one_class_has_a_record_and_no_classifier(
    tmp_path: Path, description: Description
) -> None:
    single = replace(description, classes=1)
    folder = tmp_path / "mnist" / "classifier"
    classifier.save(folder, single, None)
    assert classifier.load(folder) is None
    assert classifier.load_description(folder) == single
    with pytest.raises(UserError, match=r"mnist has one class and so no classifier: choose"):
        classifier.weights_sha256(folder)


@pytest.mark.parametrize("damage", ["another network's", "cut off", "missing"])
def test_weights_that_do_not_fit_are_one_line_that_names_the_stage(
    tmp_path: Path, description: Description, damage: str
) -> None:
    folder = tmp_path / "mnist" / "classifier"
    classifier.save(folder, description, classifier.build(description))
    weights = folder / classifier.WEIGHTS
    if damage == "another network's":
        record = (folder / classifier.PARAMS).read_text("utf-8")
        (folder / classifier.PARAMS).write_text(record.replace("features: 8", "features: 9"))
    elif damage == "cut off":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        weights.unlink()
    with pytest.raises(UserError, match=r"classify@mnist") as error:
        classifier.load(folder)
    assert "\n" not in str(error.value)


# --- the stage


@pytest.mark.parametrize("classes", [1, 2])
def test_the_stage_writes_a_record_weights_and_accuracies_where_there_are_classes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    description: Description,
    halves: Callable[[int, int], Labelled],
    classes: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    metadata = splits.Metadata(
        *("mnist", "MNIST", "stand-in", ("a", "b")[:classes], (1, 8, 8)), splits={}, sha256="0" * 64
    )
    monkeypatch.setattr(splits, "load_metadata", lambda folder: metadata)
    monkeypatch.setattr(
        *(splits, "load"),
        lambda folder, split, mmap: [part.numpy() for part in halves(100, len(split))],
    )
    shipped = params.load(ROOT / "params.yaml")
    loaded = shipped.model_copy(update={"classifier": description.settings})
    item = StageIdentity("classify", "mnist")
    said = classify.produce(loaded, item, tracking.untracked(item))
    assert all(output.exists() for output in classify.outputs(item))
    measured = files.read_json(paths.classifier_metrics("mnist"))
    assert (measured["source"], measured["classes"]) == ("stand-in", classes)
    if classes == 1:
        assert "has one class" in said
        assert not any(name.endswith("_accuracy") for name in measured)
        assert classifier.load(paths.classifier("mnist")) is None
    else:
        network = classifier.load(paths.classifier("mnist"))
        assert network is not None
        for split in ("validation", "test"):
            expected = classifier.measure(network, halves(100, len(split)), CPU)["accuracy"]
            assert measured[f"{split}_accuracy"] == pytest.approx(expected)
