"""What several stages read."""

from typing import Any

import torch
from torch import Tensor

from autoencoders import files, paths
from autoencoders.data import splits
from autoencoders.tracking import DataUsed, StageIdentity


def prepared_data(item: StageIdentity) -> DataUsed:
    """Describe the prepared images of a stage's dataset."""
    assert item.dataset is not None
    folder = paths.prepared(item.dataset)
    metadata = splits.load_metadata(folder)
    return DataUsed(
        name=item.dataset,
        source=metadata.source,
        sha256=metadata.sha256,
        path=folder.as_posix(),
        splits={
            name: (split.n_images, *metadata.image_shape) for name, split in metadata.splits.items()
        },
    )


def images(dataset: str, split: str) -> Tensor:
    """Open a split's images, uint8 `(N, C, H, W)`, left on disk until indexed."""
    return torch.from_numpy(splits.load(paths.prepared(dataset), split, mmap=True)[0])


def labels(dataset: str, split: str) -> Tensor:
    """Open the classes of a split's images, int64 `(N,)`."""
    return torch.from_numpy(splits.load(paths.prepared(dataset), split, mmap=True)[1]).long()


def load_metrics(dataset: str, variant: str) -> dict[str, Any]:
    """Return the content of a variant's metrics file."""
    path = files.require(paths.metrics(dataset, variant), f"evaluate@{dataset}-{variant}")
    content: dict[str, Any] = files.read_json(path)
    return content


def variant_of(item: StageIdentity) -> tuple[str, str]:
    """Return dataset and variant of a stage that has both."""
    assert item.dataset is not None
    assert item.variant is not None
    return item.dataset, item.variant
