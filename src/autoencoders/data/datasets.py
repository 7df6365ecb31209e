"""The published datasets that the pipeline knows; people's own stand in params.yaml."""

from dataclasses import dataclass
from typing import Literal

PublishedFormat = Literal["idx", "cifar"]
# What becomes of unreadable files and other sizes among people's own images: see `folders.fetch`.
Misfits = Literal["refuse", "skip", "resize"]


@dataclass(frozen=True)
class Dataset:
    """What is known of a published dataset before any of its files is read."""

    name: str  # in params.yaml, stage names and paths
    title: str  # in figures and tables
    folder: str  # the folder of a mirror that holds its files
    format: PublishedFormat  # of the official files
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]  # C, H, W


MNIST = Dataset(
    name="mnist",
    title="MNIST",
    folder="mnist",
    format="idx",
    class_names=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    shape=(1, 28, 28),
)
FASHION_MNIST = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="fashion-mnist",
    format="idx",
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    shape=(1, 28, 28),
)
CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    folder="cifar-10",
    format="cifar",
    class_names=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    shape=(3, 32, 32),
)
DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10)}
