"""The published datasets that the pipeline can download; users add their own in params.yaml."""

from dataclasses import dataclass
from typing import Literal

from autoencoders.param_types import ImageShape


@dataclass(frozen=True)
class Dataset:
    """The properties of a published dataset that are used before its files are read."""

    name: str  # in params.yaml, in stage names and in paths
    title: str  # in figures and tables
    folder: str  # the folder with its files on a mirror
    format: Literal["idx", "cifar"]  # of the official files
    shape: ImageShape
    class_names: tuple[str, ...]


MNIST = Dataset("mnist", "MNIST", "mnist", "idx", (1, 28, 28), tuple("0123456789"))
FASHION_MNIST = Dataset(
    "fashion_mnist",
    "Fashion-MNIST",
    "fashion-mnist",
    "idx",
    (1, 28, 28),
    (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
)
CIFAR10 = Dataset(
    "cifar10",
    "CIFAR-10",
    "cifar-10",
    "cifar",
    (3, 32, 32),
    (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
)
DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10)}


def stand_in_banner(dataset: str, of: str) -> str:
    """Return the framed message for users whose dataset consists of stand-in images.

    `dataset` is its name in params.yaml, and `of` that in `DATASETS`.
    """
    info = DATASETS[of]
    rule = "!" * 88
    return f"""
{rule}
!!  STAND-IN DATA: no mirror of the official {info.title} files could be reached.
!!  Generated images replace them; figures and results are marked "stand-in data".
!!  To use the official files, go online or set DATASET_MIRROR to a folder or URL that
!!  contains {info.folder}/, then run
!!      dvc repro -f -s fetch@{dataset}
!!      dvc repro
{rule}
"""
