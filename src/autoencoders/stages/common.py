"""What several stages say and read beside the core."""

from typing import Any

from autoencoders import files, paths
from autoencoders.data.prepared import Prepared
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed


def prepared_data(item: Item) -> DataUsed:
    """Describe the prepared images of a stage's dataset."""
    data = Prepared(item.dataset)
    metadata = data.metadata
    return DataUsed(
        name=data.name,
        source=metadata.source,
        sha256=metadata.sha256,
        path=data.folder.as_posix(),
        splits={
            name: (split.n_images, *metadata.image_shape) for name, split in metadata.splits.items()
        },
    )


def load_metrics(item: Item) -> dict[str, Any]:
    """Return the content of a variant's metrics file."""
    path = files.require(paths.metrics(item.dataset, item.variant), item.at("evaluate").name)
    content: dict[str, Any] = files.read_json(path)
    return content
