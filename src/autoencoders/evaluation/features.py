"""Measures how well classes can be predicted from features that were learned without labels.

Features are vectors `(N, D)` float32: the latents of a network, or those of a yardstick.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.neighbors import KDTree
from torch import Tensor

from autoencoders.datasets.stratification import stratified_split
from autoencoders.errors import report_omission
from autoencoders.evaluation.batched_matrix import MAX_DIRECT_LENGTH, MAX_GRAM_ROWS, Rows
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.settings import Evaluation
from autoencoders.evaluation.yardsticks import FittedYardsticks
from autoencoders.randomness import derived_seed
from autoencoders.trained.pairs import Pairs, Predict, encode_pairs
from autoencoders.trained.variant import Trained

SPLITS = ("train", "validation", "test")

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)  # factors of half the sum of squared weights
TOLERANCE = 1e-4  # a fit ends if a step reduces the loss by less, in nats per image
MAX_STEPS = 100
MIN_DEVIATION = 1e-3  # share of the largest deviation; scaling up smaller ones would amplify noise
MAX_KEPT_NUMBERS = 2**27  # features of all images that are kept in memory: half a gigabyte
CHUNK = 100  # queries whose distances to all references are in memory at a time
MAX_TREE_DIMENSIONS = 4  # up to here, a KD-tree is much faster than all distances


@dataclass(frozen=True)
class Labelled:
    """Features `(N, D)` float32 and their classes `(N,)` int64."""

    vectors: Tensor
    labels: Tensor

    def subset(self, indices: Tensor) -> "Labelled":
        """Return the features and classes at `indices` `(n,)`."""
        return Labelled(self.vectors[indices], self.labels[indices])


def measure(trained: Trained, fitted: FittedYardsticks, settings: Evaluation) -> Metrics:
    """Return the `label_metrics` of the latents, and of PCA's codes under `yardsticks`.

    The result is empty for one class. It is also empty if the latent is larger than the encoder
    input: such a latent is no compression, PCA has fewer components, and computing all distances
    would take minutes.
    """
    if trained.latent_size > prod(trained.input_shape):
        return {}
    labels = {split: trained.data.labels(split) for split in SPLITS}
    report_missing_metrics(labels)
    arguments = trained.pairs, labels, trained.description.seed, settings
    metrics = measure_encoder(trained.model.encode, *arguments)
    if not metrics:
        return {}
    return metrics | {"yardsticks": {"pca": measure_encoder(fitted.pca_codes, *arguments)}}


@torch.no_grad()
def measure_encoder(
    encode: Predict,
    pairs: Callable[[str], Pairs],
    labels: Mapping[str, Tensor],
    seed: int,
    settings: Evaluation,
) -> dict[str, float]:
    """Return the `label_metrics` of an encoder's features; empty for one class.

    Args:
        encode: maps encoder inputs `(n, C, H, W)` to features `(n, …)`.
        pairs: returns the encoder inputs and images of a split.
        labels: the classes of each split, `(N,)`.
        seed: the seed of the choice of labelled images.
        settings: the settings of the evaluation.
    """
    if len(labels["train"].unique()) < 2:
        return {}
    first_inputs, _ = next(pairs("train"))
    size = encode(first_inputs)[0].numel()
    if size > MAX_DIRECT_LENGTH and sum(map(len, labels.values())) <= MAX_GRAM_ROWS:
        plain, scaled = inner_product_features(encode, pairs, labels, size)
    else:
        plain = {
            name: Labelled(encode_pairs(encode, pairs(name)).flatten(1), labels[name])
            for name in SPLITS
        }
        scaled = standardised(plain)
    return label_metrics(plain, scaled, settings, seed)


def report_missing_metrics(labels: Mapping[str, Tensor]) -> None:
    """Print which metrics are left out; `labels` are the classes `(N,)` of each split."""
    if len(labels["train"].unique()) < 2:
        report_omission("classification metrics", "all training images have the same class")
    elif len(labels["test"]) < 2:
        report_omission("neighbour disagreement", "there is only one test image")


def inner_product_features(
    encode: Predict, pairs: Callable[[str], Pairs], labels: Mapping[str, Tensor], size: int
) -> tuple[dict[str, Labelled], dict[str, Labelled]]:
    """Return vectors `(n, N)` that replace features `(n, size)`, plain and standardised, by split.

    N is the number of all images. The vectors have the same distances and inner products as the
    features, so neighbours and the penalised probe are the same. `labels` are the classes `(n,)` of
    each split. Features that do not fit into memory are encoded again at each use, two batches at a
    time.
    """
    keep = sum(map(len, labels.values())) * size <= MAX_KEPT_NUMBERS
    kept = {split: list(_features(encode, pairs(split))) for split in SPLITS} if keep else {}

    def of_split(split: str) -> Iterator[Tensor]:
        return iter(kept[split]) if keep else _features(encode, pairs(split))

    train = Rows(lambda: of_split("train"))
    deviations = _nonzero_deviations(train.variance().sqrt())

    def of_all() -> Iterator[Tensor]:
        return chain.from_iterable(map(of_split, SPLITS))

    def scaled() -> Iterator[Tensor]:
        return ((vectors - train.mean) / deviations for vectors in of_all())

    counts = [len(labels[split]) for split in SPLITS]
    plain, standard = (
        {
            split: Labelled(vectors, labels[split])
            for split, vectors in zip(SPLITS, rows.coordinates().cpu().split(counts), strict=True)
        }
        for rows in (Rows(of_all, train.mean), Rows(scaled, torch.zeros_like(train.mean)))
    )
    return plain, standard


def _features(encode: Predict, pairs: Pairs) -> Iterator[Tensor]:
    return (encode(inputs).flatten(1) for inputs, _ in pairs)


def label_metrics(
    splits: Mapping[str, Labelled],
    scaled: Mapping[str, Labelled],
    settings: Evaluation,
    seed: int,
) -> dict[str, float]:
    """Return metrics of how well features `(N, D)` predict the classes.

    - `probe_accuracy` and `knn_accuracy` are accuracies on the test set of a linear probe and of
      nearest neighbours, with all labels of the training set.
    - `probe_accuracy_100` and `knn_accuracy_100` use only 100 labels, for a count of 100 in
      `label_counts`. They are means over `label_draws` random choices of labelled images;
      `…_100_std` is the standard deviation. The probe's penalty is selected with as many labels of
      the validation set, or with all if there are fewer.
    - `neighbour_disagreement` is the share of test images whose nearest other test image has
      another class. It is missing for a single test image.

    The probe uses `scaled`, the standardised features, because its penalty treats all weights
    alike. Neighbours use Euclidean distances between `splits`, the unscaled features, because the
    metric describes the geometry of the latent. `seed` and the labels determine which images are
    labelled.
    """
    train, test = splits["train"], splits["test"]
    metrics = {
        "probe_accuracy": probe_accuracy(scaled["train"], scaled["validation"], scaled["test"]),
        "knn_accuracy": knn_accuracy(train, test, settings.knn_neighbours),
    }
    for count in settings.label_counts:
        if count < len(train.labels):
            metrics |= _with_few_labels(splits, scaled, count, settings, seed)
    if len(test.labels) < 2:
        return metrics
    return metrics | {"neighbour_disagreement": neighbour_disagreement(test)}


def _with_few_labels(
    splits: Mapping[str, Labelled],
    scaled: Mapping[str, Labelled],
    count: int,
    settings: Evaluation,
    seed: int,
) -> dict[str, float]:
    """Return mean and standard deviation of both accuracies over draws of `count` labels."""
    accuracies: dict[str, list[float]] = {"probe_accuracy": [], "knn_accuracy": []}
    for draw in range(settings.label_draws):
        chosen = {
            name: labelled_subset(
                splits[name].labels, count, derived_seed(seed, f"{name}/labelled/{draw}")
            )
            for name in ("train", "validation")
        }
        labelled = {name: scaled[name].subset(indices) for name, indices in chosen.items()}
        references = splits["train"].subset(chosen["train"])
        accuracies["probe_accuracy"].append(probe_accuracy(**labelled, test=scaled["test"]))
        accuracies["knn_accuracy"].append(
            knn_accuracy(references, splits["test"], settings.knn_neighbours)
        )
    return {
        f"{name}_{count}{suffix}": summary(values)
        for name, values in accuracies.items()
        for suffix, summary in (("", statistics.mean), ("_std", statistics.stdev))
    }


def standardised(splits: Mapping[str, Labelled]) -> dict[str, Labelled]:
    """Return features `(N, D)`, scaled to mean 0 and standard deviation 1 on the training set.

    A deviation below a thousandth of the largest is replaced by that thousandth, or by 1 if all
    are 0.
    """
    std, mean = torch.std_mean(splits["train"].vectors, dim=0)
    std = _nonzero_deviations(std)
    return {
        name: Labelled((split.vectors - mean).div_(std), split.labels)
        for name, split in splits.items()
    }


def _nonzero_deviations(deviations: Tensor) -> Tensor:
    """Return standard deviations `(D,)` that are large enough to divide by."""
    return deviations.clamp(min=MIN_DEVIATION * float(deviations.max()) or 1.0)


def labelled_subset(labels: Tensor, count: int, seed: int) -> Tensor:
    """Return sorted indices `(n,)` of `count` random images with the proportions of the classes."""
    if count >= len(labels):
        return torch.arange(len(labels))
    rng = np.random.default_rng(seed)
    return torch.from_numpy(stratified_split(labels.numpy(), count / len(labels), rng)[0])


def probe_accuracy(train: Labelled, validation: Labelled, test: Labelled) -> float:
    """Return the accuracy on the test set of multinomial logistic regression, one linear layer.

    The penalty is the one of `PENALTIES` with the highest accuracy on the validation set; of
    several with this accuracy, the largest.
    """
    classes = 1 + int(train.labels.max())
    weight = torch.zeros(classes, train.vectors.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)

    def accuracy(split: Labelled) -> float:
        predicted = F.linear(split.vectors, weight, bias).argmax(1)
        return (predicted == split.labels).double().mean().item()

    accuracies = []
    for penalty in PENALTIES:  # each fit starts from the last solution, which is close
        _fit(weight, bias, train, penalty)
        accuracies.append((accuracy(validation), accuracy(test)))
    return max(accuracies, key=lambda pair: pair[0])[1]


def _fit(weight: Tensor, bias: Tensor, train: Labelled, penalty: float) -> None:
    """Minimise mean cross-entropy plus penalty with L-BFGS on all images at once."""
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=MAX_STEPS,
        tolerance_grad=0,
        tolerance_change=TOLERANCE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        fit = F.cross_entropy(F.linear(train.vectors, weight, bias), train.labels)
        total = fit + penalty / 2 * weight.square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)


def knn_accuracy(reference: Labelled, test: Labelled, neighbours: int) -> float:
    """Return the accuracy on the test set of the most frequent class of the nearest references.

    If there are fewer references than `neighbours`, all count. Of several classes with the same
    frequency, the first is predicted.
    """
    count = min(neighbours, len(reference.labels))
    votes = reference.labels[nearest(test.vectors, reference.vectors, count)]
    predicted = F.one_hot(votes).sum(1).argmax(1)
    return (predicted == test.labels).double().mean().item()


def neighbour_disagreement(test: Labelled) -> float:
    """Return the share of images whose nearest other image has another class."""
    first, second = nearest(test.vectors, test.vectors, 2).unbind(1)
    is_self = first == torch.arange(len(first))  # not always true, because images may be equal
    other = torch.where(is_self, second, first)
    return (test.labels[other] != test.labels).double().mean().item()


def nearest(queries: Tensor, references: Tensor, count: int) -> Tensor:
    """Return the indices `(N, count)` of the references nearest to each query, nearest first.

    `queries` are `(N, D)` and `references` `(M, D)`.
    """
    if references.shape[1] <= MAX_TREE_DIMENSIONS:
        tree = KDTree(references.numpy())
        return torch.from_numpy(tree.query(queries.numpy(), count, return_distance=False))
    centre = references.mean(0)  # distances do not change, rounding errors shrink
    centred = references - centre
    halves = centred.square().sum(1) / 2
    # Half the squared distance, without the query's own square, which does not change the order.
    distances = (
        torch.addmm(halves, chunk - centre, centred.T, alpha=-1) for chunk in queries.split(CHUNK)
    )
    return torch.cat([chunk.topk(count, largest=False).indices for chunk in distances])
