"""The datasets that the pipeline knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset before any of its files is read."""

    name: str  # in params.yaml, stage names and paths
    title: str  # in figures and tables
    folder: str  # the folder of a mirror that holds its files
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]  # C, H, W


MNIST = Dataset(
    name="mnist",
    title="MNIST",
    folder="mnist",
    class_names=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    shape=(1, 28, 28),
)
FASHION_MNIST = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="fashion-mnist",
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    shape=(1, 28, 28),
)
DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST)}
