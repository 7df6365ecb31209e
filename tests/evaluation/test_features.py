"""Compares classification metrics of features with scikit-learn and hand-made examples."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from autoencoders import randomness
from autoencoders.evaluation import features
from autoencoders.evaluation.features import (
    PENALTIES,
    Labelled,
    knn_accuracy,
    label_metrics,
    labelled_subset,
    measure_encoder,
    nearest,
    neighbour_disagreement,
    probe_accuracy,
    standardised,
)
from autoencoders.trained.pairs import Predict
from tests.subjects import settings

CLASSES, SIZE = 4, 6
SPLITS = {"train": 400, "validation": 200, "test": 500}


def clusters(count: int, seed: int) -> Labelled:
    """Return overlapping classes with very different scales per dimension, far from the origin."""
    centres = torch.randn(CLASSES, SIZE, generator=torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=random)
    vectors = centres[labels] + torch.randn(count, SIZE, generator=random)
    return Labelled(5 + vectors * torch.tensor([1.0, 1.0, 2.0, 0.5, 10.0, 0.1]), labels)


@pytest.fixture(scope="module")
def splits() -> dict[str, Labelled]:
    return {name: clusters(count, seed) for seed, (name, count) in enumerate(SPLITS.items(), 1)}


def few_labels(
    splits: dict[str, Labelled], counts: list[int], draws: int = 2, seed: int = 1
) -> dict[str, float]:
    few = settings(label_counts=counts, label_draws=draws)
    return label_metrics(splits, standardised(splits), few, seed)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_probe_is_logistic_regression_with_the_best_validated_penalty(
    splits: dict[str, Labelled],
) -> None:
    train, validation, test = splits.values()
    scaler = StandardScaler().fit(train.vectors)
    scores = {}
    for penalty in PENALTIES:
        # scikit-learn uses the sum of losses, the probe their mean.
        reference = LogisticRegression(C=1 / (penalty * len(train.labels)), tol=1e-8, max_iter=1000)
        reference.fit(scaler.transform(train.vectors), train.labels)
        scores[penalty] = [
            reference.score(scaler.transform(split.vectors), split.labels)
            for split in (validation, test)
        ]
    best = max(PENALTIES, key=lambda penalty: scores[penalty][0])
    assert probe_accuracy(**standardised(splits)) == pytest.approx(scores[best][1], abs=0.01)
    assert (
        len({accuracy for accuracy, _ in scores.values()}) > 1
    )  # the penalty changes the accuracy


def test_the_penalty_is_chosen_on_validation_images() -> None:
    # The first dimension separates the classes only in training; the second one everywhere, but
    # less well. The validation set decides which dimension the probe uses.
    labels = torch.arange(200) % 2
    sign = (2 * labels - 1).float()
    weak = sign + 0.8 * torch.randn(200, generator=generator())
    train = Labelled(torch.stack([0.2 * sign, weak], 1), labels)
    deceived = Labelled(torch.stack([-0.2 * sign, weak], 1), labels)
    assert probe_accuracy(train, train, train) == 1
    stiff = probe_accuracy(train, deceived, deceived)
    supple = probe_accuracy(train, train, deceived)
    assert stiff > supple


def test_standardised_training_features_have_mean_0_and_deviation_1(
    splits: dict[str, Labelled],
) -> None:
    scaled = standardised(splits)
    scaler = StandardScaler().fit(splits["train"].vectors)
    for name, split in splits.items():
        expected = scaler.transform(split.vectors)
        np.testing.assert_allclose(scaled[name].vectors, expected, rtol=5e-3, atol=1e-4)


def test_a_constant_dimension_is_not_scaled_up() -> None:
    vectors = torch.randn(100, 3, generator=generator()) * torch.tensor([1.0, 0.0, 1e-7])
    labels = torch.zeros(100).long()
    scaled = standardised({"train": Labelled(vectors, labels)})["train"].vectors
    assert scaled[:, 0].std() == pytest.approx(1)
    assert scaled[:, 1:].abs().max() < 1e-3


def test_standardised_features_of_identical_images_are_zero() -> None:
    alike = Labelled(torch.full((6, 3), 0.3), torch.arange(6) % 2)
    assert torch.equal(standardised({"train": alike})["train"].vectors, torch.zeros(6, 3))
    metrics = few_labels(dict.fromkeys(SPLITS, alike), [4])
    assert metrics["probe_accuracy"] == metrics["knn_accuracy"] == 0.5


def test_one_test_image_has_no_neighbour(splits: dict[str, Labelled]) -> None:
    one = splits | {"test": splits["test"].subset(torch.tensor([0]))}
    assert few_labels(splits, []).keys() - few_labels(one, []).keys() == {"neighbour_disagreement"}


@pytest.mark.parametrize("neighbours", [1, 10])
def test_knn_accuracy_equals_scikit_learn(neighbours: int, splits: dict[str, Labelled]) -> None:
    train, _, test = splits.values()
    reference = KNeighborsClassifier(neighbours).fit(train.vectors, train.labels)
    expected = reference.score(test.vectors, test.labels)
    assert knn_accuracy(train, test, neighbours) == pytest.approx(expected)


def test_fewer_references_than_neighbours_all_vote(splits: dict[str, Labelled]) -> None:
    few = splits["train"].subset(torch.arange(5))
    majority = few.labels.bincount().argmax()
    share = (splits["test"].labels == majority).double().mean().item()
    assert knn_accuracy(few, splits["test"], 10) == pytest.approx(share)


def test_nearest_uses_euclidean_distance_far_from_the_origin() -> None:
    references = 100 + torch.randn(800, 2, generator=generator())
    queries = 100 + torch.randn(
        1203, 2, generator=generator(1)
    )  # several chunks, the last one incomplete
    search = NearestNeighbors(n_neighbors=3).fit(references.double())
    expected = search.kneighbors(queries.double(), return_distance=False)
    assert (nearest(queries, references, 3).numpy() == expected).mean() > 0.999


@pytest.mark.parametrize("references", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("count", [1, 3, 40, 1000])
@pytest.mark.parametrize("size", [2, 5])
def test_nearest_equals_sorting_all_distances(references: int, count: int, size: int) -> None:
    count = min(count, references)
    vectors = torch.randn(references, size, generator=generator())
    queries = torch.randn(201, size, generator=generator(1))
    distances = torch.cdist(queries.double(), vectors.double())
    indices = nearest(queries, vectors, count)
    torch.testing.assert_close(
        distances.gather(1, indices), distances.sort().values[:, :count], rtol=1e-5, atol=0
    )
    assert all(len(row.unique()) == count for row in indices)


def test_neighbours_disagree_if_the_nearest_other_image_has_another_class() -> None:
    vectors = torch.tensor([[0.0], [1.0], [1.5], [5.0], [5.0], [5.0]])
    #  nearest other:         1.0    1.5    1.0    5.0 for the three identical points
    labels = torch.tensor([0, 0, 1, 2, 2, 2])
    assert neighbour_disagreement(Labelled(vectors, labels)) == pytest.approx(2 / 6)


@pytest.mark.parametrize("count", [10, 33, 100])
def test_a_labelled_subset_keeps_the_proportions_of_classes(count: int) -> None:
    labels = torch.arange(4).repeat_interleave(torch.tensor([500, 300, 150, 50]))
    chosen = labelled_subset(labels, count, 0)
    assert len(chosen) == len(chosen.unique()) == count
    ideal = count * torch.tensor([0.5, 0.3, 0.15, 0.05])
    assert (labels[chosen].bincount(minlength=4) - ideal).abs().max() < 1


def test_fewer_labels_are_a_subset_of_more_and_depend_on_the_seed() -> None:
    labels = torch.arange(1000) % 10
    few, more = (labelled_subset(labels, count, 0) for count in (100, 300))
    assert set(few.tolist()) < set(more.tolist())
    assert set(few.tolist()) != set(labelled_subset(labels, 100, 1).tolist())
    assert len(labelled_subset(labels, 2000, 0)) == 1000


def test_all_features_of_a_dataset_use_the_same_labelled_images(
    splits: dict[str, Labelled],
) -> None:
    # A rotation changes no distance, but another choice of labels would change the result.
    rotation, _ = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=generator()))
    rotated = {name: Labelled(s.vectors @ rotation, s.labels) for name, s in splits.items()}
    original, other = (few_labels(features, [20, 50]) for features in (splits, rotated))
    for name in ("knn_accuracy", "knn_accuracy_20", "knn_accuracy_50", "neighbour_disagreement"):
        assert original[name] == pytest.approx(other[name], abs=0.005)
    assert original == few_labels(splits, [20, 50])
    assert original["knn_accuracy_20"] != few_labels(splits, [20], seed=2)["knn_accuracy_20"]


def test_accuracies_with_few_labels_are_means_over_draws(
    splits: dict[str, Labelled],
) -> None:
    train, _, test = splits.values()
    accuracies = []
    for draw in range(4):
        seed = randomness.derived_seed(1, f"train/labelled/{draw}")
        accuracies.append(
            knn_accuracy(train.subset(labelled_subset(train.labels, 20, seed)), test, 3)
        )
    assert len(set(accuracies)) > 1
    metrics = few_labels(splits, [20], draws=4)
    assert metrics["knn_accuracy_20"] == pytest.approx(np.mean(accuracies))
    assert metrics["knn_accuracy_20_std"] == pytest.approx(np.std(accuracies, ddof=1))


def test_label_counts_of_all_labels_or_more_are_left_out(
    splits: dict[str, Labelled],
) -> None:
    metrics = few_labels(splits, [20, SPLITS["train"], 1000])
    assert list(metrics) == [
        *("probe_accuracy", "knn_accuracy"),
        *("probe_accuracy_20", "probe_accuracy_20_std", "knn_accuracy_20", "knn_accuracy_20_std"),
        "neighbour_disagreement",
    ]
    assert metrics["probe_accuracy"] > metrics["probe_accuracy_20"] > 1 / CLASSES


def test_each_encoder_is_measured_on_its_features_unless_there_is_one_class(
    splits: dict[str, Labelled],
) -> None:
    def pairs(split: str) -> Iterator[tuple[Tensor, Tensor]]:
        yield from ((images, images) for images in splits[split].vectors.split(77))

    def measured(encode: Predict, labels: dict[str, Tensor]) -> dict[str, float]:
        return measure_encoder(encode, pairs, labels, 1, settings(label_counts=[20]))

    encoders: dict[str, Predict] = {
        "latents": lambda inputs: inputs[:, :2],
        "raw_pixels": lambda inputs: inputs,
    }
    labels = {name: split.labels for name, split in splits.items()}
    assert measured(encoders["raw_pixels"], labels) == few_labels(splits, [20])
    halves = {name: Labelled(s.vectors[:, :2], s.labels) for name, s in splits.items()}
    assert measured(encoders["latents"], labels) == few_labels(halves, [20])
    one_class = {name: torch.zeros_like(of_split) for name, of_split in labels.items()}
    for encode in encoders.values():
        assert measured(encode, one_class) == {}


@pytest.mark.parametrize("kept", [0, 2**27])
def test_inner_products_give_the_same_metrics_for_long_features(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"train": 60, "validation": 30, "test": 40}
    labels = {name: torch.arange(count) % 3 for name, count in counts.items()}
    images = {
        name: torch.randn(count, 3, 20, 20, generator=generator(count))
        for name, count in counts.items()
    }
    for name, of_split in images.items():
        of_split[:, 0, :5, :4] += labels[name].view(-1, 1, 1)
        of_split[:, 1] *= 0.1

    def measured() -> dict[str, float]:
        few = settings(label_counts=[30])
        return measure_encoder(lambda inputs: inputs, lambda split: pairs(split), labels, 1, few)

    def pairs(split: str) -> Iterator[tuple[Tensor, Tensor]]:
        return ((batch, batch) for batch in images[split].split(25))

    expected = measured()
    monkeypatch.setattr(features, "MAX_DIRECT_LENGTH", 1000)
    monkeypatch.setattr(features, "MAX_KEPT_NUMBERS", kept)
    monkeypatch.delattr(features, "encode_pairs")  # it would keep all features in memory
    assert measured() == pytest.approx(expected, abs=1e-9)
    assert 0.4 < expected["probe_accuracy"] < 1
