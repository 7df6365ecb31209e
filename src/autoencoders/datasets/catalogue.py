"""The published datasets that the pipeline knows; people's own stand in params.yaml."""

from dataclasses import dataclass
from typing import Literal

from autoencoders.param_types import ImageShape


@dataclass(frozen=True)
class Dataset:
    """What is known of a published dataset before any of its files is read."""

    name: str  # in params.yaml, stage names and paths
    title: str  # in figures and tables
    folder: str  # the folder of a mirror that holds its files
    format: Literal["idx", "cifar"]  # of its official files
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


def stand_in_banner(dataset: str) -> str:
    """Return what to tell people whose official files were replaced, a few lines in a frame."""
    known = DATASETS[dataset]
    rule = "!" * 88
    return f"""
{rule}
!!  STAND-IN DATA: no mirror of the official {known.title} files could be reached.
!!  Generated images stand in for them; figures and results will say "stand-in data".
!!  For the official files, go online or set DATASET_MIRROR to a folder or URL that holds
!!  {known.folder}/, then run
!!      dvc repro -f -s fetch@{dataset}
!!      dvc repro
{rule}
"""
