"""How much of the classes stands in features that were learned without them.

Features are vectors `(N, D)` float32: a network's latents, or what they are held against.
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

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)  # times half the squared weights, beside the mean loss
TOLERANCE = 1e-4  # a fit ends when a step gains less, in nats per image
MAX_STEPS = 100
MIN_DEVIATION = 1e-3  # share of the largest deviation; scaling must not amplify smaller noise
MAX_KEPT_NUMBERS = 2**27  # of the features of all images in memory: half a gigabyte
CHUNK = 100  # images whose distances to all others are in memory at a time
MAX_TREE_DIMENSIONS = 4  # with so few dimensions a KD-tree is much faster than all distances


@dataclass(frozen=True)
class Labelled:
    """Features `(N, D)` float32 and the class of each, `(N,)` int64."""

    vectors: Tensor
    labels: Tensor

    def subset(self, indices: Tensor) -> "Labelled":
        """Return those at `indices`."""
        return Labelled(self.vectors[indices], self.labels[indices])


def measure(trained: Trained, fitted: FittedYardsticks, settings: Evaluation) -> Metrics:
    """Return what latents and PCA's codes tell of the classes; nothing for one class.

    Nor for a latent of more numbers than the encoder sees: it compresses nothing, PCA has no
    such codes, and its distances to all images would take minutes.
    """
    if trained.latent_size > prod(trained.input_shape):
        return {}
    labels = {split: trained.data.labels(split) for split in SPLITS}
    report_missing_metrics(labels)
    of_data = trained.pairs, labels, trained.description.seed, settings
    of_latents = measure_encoder(trained.model.encode, *of_data)
    if not of_latents:
        return {}
    return of_latents | {"yardsticks": {"pca": measure_encoder(fitted.pca_codes, *of_data)}}


@torch.no_grad()
def measure_encoder(
    encode: Predict,
    pairs: Callable[[str], Pairs],
    labels: Mapping[str, Tensor],
    seed: int,
    settings: Evaluation,
) -> dict[str, float]:
    """Return the `label_metrics` of what an encoder makes of a dataset; none for one class.

    `pairs` gives what is seen of a split and the images; `labels` has the classes of each split.
    """
    if len(labels["train"].unique()) < 2:
        return {}
    first_seen, _ = next(pairs("train"))
    size = encode(first_seen)[0].numel()
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
    """Say what `measure_encoder` leaves out, as these classes of each split cannot give it."""
    if len(labels["train"].unique()) < 2:
        report_omission("what features tell of the classes", "all training images are of one")
    elif len(labels["test"]) < 2:
        report_omission("neighbours of another class", "one test image has none")


def inner_product_features(
    encode: Predict, pairs: Callable[[str], Pairs], labels: Mapping[str, Tensor], size: int
) -> tuple[dict[str, Labelled], dict[str, Labelled]]:
    """Return features of `size` numbers, and them standardised, both by other vectors like them.

    These have as many entries as there are images, and the distances and inner products of the
    features: by them neighbours are the same, and what a probe with a penalty learns. Of features
    too many to be kept there are two batches at a time in memory, encoded when they are needed.
    """
    few = sum(map(len, labels.values())) * size <= MAX_KEPT_NUMBERS
    kept = {split: list(_features(encode, pairs(split))) for split in SPLITS} if few else {}

    def of_split(split: str) -> Iterator[Tensor]:
        return iter(kept[split]) if few else _features(encode, pairs(split))

    train = Rows(lambda: of_split("train"))
    deviations = _nonzero_deviations(train.variance().sqrt())

    def every() -> Iterator[Tensor]:
        return chain.from_iterable(map(of_split, SPLITS))

    def scaled() -> Iterator[Tensor]:
        return ((vectors - train.mean) / deviations for vectors in every())

    counts = [len(labels[split]) for split in SPLITS]
    plain, standard = (
        {
            split: Labelled(vectors, labels[split])
            for split, vectors in zip(SPLITS, rows.coordinates().cpu().split(counts), strict=True)
        }
        for rows in (Rows(every, train.mean), Rows(scaled, torch.zeros_like(train.mean)))
    )
    return plain, standard


def _features(encode: Predict, pairs: Pairs) -> Iterator[Tensor]:
    return (encode(seen).flatten(1) for seen, _ in pairs)


def label_metrics(
    splits: Mapping[str, Labelled],
    scaled: Mapping[str, Labelled],
    settings: Evaluation,
    seed: int,
) -> dict[str, float]:
    """Return what can be read of the classes from features of the train, validation, test images.

    `scaled` are the same, standardised.

    `probe_accuracy` and `knn_accuracy` are on the test images, with all labels of the training
    images, and as `…_100` with 100 for each of the settings' `label_counts` that is less than all:
    the mean over `label_draws` of the labelled images, with their standard deviation as
    `…_100_std`. The probe then has as many labels of validation images, or all, to choose its
    penalty by; the nearest neighbours need none. Which images are labelled depends on `seed` and
    the labels alone.
    `neighbour_disagreement` is the share of test images whose nearest other is of another class, if
    there are others.

    The probe is on standardised features, as its penalty is on all weights alike. Neighbours are
    by Euclidean distance as it is: the geometry of the latent is what is measured.
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
    """Return mean and standard deviation over draws of `count` labels, of both accuracies."""
    accuracies: dict[str, list[float]] = {"probe_accuracy": [], "knn_accuracy": []}
    for draw in range(settings.label_draws):
        chosen = {
            name: labelled_subset(
                splits[name].labels, count, derived_seed(seed, f"{name}/labelled/{draw}")
            )
            for name in ("train", "validation")
        }
        few = {name: scaled[name].subset(indices) for name, indices in chosen.items()}
        references = splits["train"].subset(chosen["train"])
        accuracies["probe_accuracy"].append(probe_accuracy(**few, test=scaled["test"]))
        accuracies["knn_accuracy"].append(
            knn_accuracy(references, splits["test"], settings.knn_neighbours)
        )
    return {
        f"{name}_{count}{suffix}": summary(values)
        for name, values in accuracies.items()
        for suffix, summary in (("", statistics.mean), ("_std", statistics.stdev))
    }


def standardised(splits: Mapping[str, Labelled]) -> dict[str, Labelled]:
    """Return features with the training features' mean and standard deviation at 0 and 1.

    A dimension that moves less than a thousandth of the one that moves most is divided by that;
    where none moves, by 1.
    """
    std, mean = torch.std_mean(splits["train"].vectors, dim=0)
    std = _nonzero_deviations(std)
    return {
        name: Labelled((split.vectors - mean).div_(std), split.labels)
        for name, split in splits.items()
    }


def _nonzero_deviations(deviations: Tensor) -> Tensor:
    """Return standard deviations to divide by."""
    return deviations.clamp(min=MIN_DEVIATION * float(deviations.max()) or 1.0)


def labelled_subset(labels: Tensor, count: int, seed: int) -> Tensor:
    """Return `count` indices, or all, ascending: random, each class by its share."""
    if count >= len(labels):
        return torch.arange(len(labels))
    rng = np.random.default_rng(seed)
    return torch.from_numpy(stratified_split(labels.numpy(), count / len(labels), rng)[0])


def probe_accuracy(train: Labelled, validation: Labelled, test: Labelled) -> float:
    """Return the test accuracy of multinomial logistic regression, one linear layer.

    Of the `PENALTIES` on its squared weights the one that does best on the validation images is
    taken, of equals the largest.
    """
    classes = 1 + int(train.labels.max())
    weight = torch.zeros(classes, train.vectors.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)

    def accuracy(split: Labelled) -> float:
        predicted = F.linear(split.vectors, weight, bias).argmax(1)
        return (predicted == split.labels).double().mean().item()

    accuracies = []
    for penalty in PENALTIES:  # each goes on from the last: from stiff to supple is a short way
        _fit(weight, bias, train, penalty)
        accuracies.append((accuracy(validation), accuracy(test)))
    return max(accuracies, key=lambda pair: pair[0])[1]


def _fit(weight: Tensor, bias: Tensor, train: Labelled, penalty: float) -> None:
    """Minimise the mean cross-entropy and the penalty by L-BFGS on all images at once."""
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
    """Return the test accuracy of a majority vote of the nearest references, or of all if fewer.

    Of classes with as many votes the first is taken.
    """
    count = min(neighbours, len(reference.labels))
    votes = reference.labels[nearest(test.vectors, reference.vectors, count)]
    predicted = F.one_hot(votes).sum(1).argmax(1)
    return (predicted == test.labels).double().mean().item()


def neighbour_disagreement(test: Labelled) -> float:
    """Return the share of images whose nearest other image is of another class."""
    first, second = nearest(test.vectors, test.vectors, 2).unbind(1)
    itself = first == torch.arange(len(first))  # not always the first: images may be equal
    other = torch.where(itself, second, first)
    return (test.labels[other] != test.labels).double().mean().item()


def nearest(queries: Tensor, references: Tensor, count: int) -> Tensor:
    """Return the indices `(N, count)` of the references nearest to each query, nearest first."""
    if references.shape[1] <= MAX_TREE_DIMENSIONS:
        found = KDTree(references.numpy()).query(queries.numpy(), count, return_distance=False)
        return torch.from_numpy(found)
    centre = references.mean(0)  # distances stay; small numbers lose less to rounding
    centred = references - centre
    halves = centred.square().sum(1) / 2
    # Half the squared distance, less half the query's square, which orders nothing.
    distances = (
        torch.addmm(halves, chunk - centre, centred.T, alpha=-1) for chunk in queries.split(CHUNK)
    )
    return torch.cat([of_chunk.topk(count, largest=False).indices for of_chunk in distances])
