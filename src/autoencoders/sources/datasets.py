"""The published datasets that the pipeline knows; people's own stand in params.yaml."""

from dataclasses import dataclass
from typing import Literal

from autoencoders.keys import ImageShape

PublishedFormat = Literal["idx", "cifar"]


@dataclass(frozen=True)
class Dataset:
    """What is known of a published dataset before any of its files is read."""

    name: str  # in params.yaml, stage names and paths
    title: str  # in figures and tables
    folder: str  # the folder of a mirror that holds its files
    format: PublishedFormat  # of the official files
    class_names: tuple[str, ...]
    shape: ImageShape
    mirrors: tuple[str, ...]  # URLs, ending in a slash, that hold the official files
    resources: tuple[tuple[str, str], ...]  # the official files' names and their MD5s


# Mirrors, in the order in which they are tried, and MD5s are those of torchvision 0.29's datasets.
MNIST = Dataset(
    name="mnist",
    title="MNIST",
    folder="mnist",
    format="idx",
    class_names=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    shape=(1, 28, 28),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    resources=(
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
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
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    resources=(
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
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
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    resources=(("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),),
)
DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10)}
