"""Functions shared by several stages."""

from autoencoders import paths
from autoencoders.datasets.prepared import Prepared
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed


def prepared_data(item: Item) -> DataUsed:
    """Describe the prepared images of a stage's dataset."""
    data = Prepared(paths.prepared(item.dataset))
    metadata = data.metadata
    return DataUsed(
        name=data.name,
        source=metadata.source,
        sha256=metadata.sha256,
        path=data.folder.as_posix(),
        splits={
            name: (split.n_images, *metadata.image_shape) for name, split in metadata.splits.items()
        },
        test_sha256=metadata.splits["test"].images_sha256,
    )
