"""The stage `prepare`: pack fetched files into a training, a validation and a test set."""

from typing import Any

from autoencoders import files, paths
from autoencoders.datasets import prepare, prepared, raw_files
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.tracking import DataUsed, StageRun


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the data's seed and the training images' fraction."""
    return {"data": params.data.model_dump(include={"seed", "train_fraction"})}


def data_used(item: Item) -> DataUsed:
    """Describe the fetched files."""
    folder = paths.raw(item.dataset)
    info = raw_files.read_source(folder)
    record = files.digest(folder / raw_files.RECORD)
    return DataUsed(item.dataset, info.source, record, folder.as_posix(), splits={})


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Verify, split and pack a dataset."""
    target = paths.prepared(item.dataset)
    fraction = params.data.train_fraction
    metadata = prepare.prepare(paths.raw(item.dataset), target, fraction, params.data.seed)
    counts = ", ".join(f"{split.n_images} {name}" for name, split in metadata.splits.items())
    return f"{counts} images in {target}"


def log(item: Item, run: StageRun) -> None:
    """Log the sizes and digests of the splits."""
    folder = item.outputs[0]
    metadata = prepared.load_metadata(folder)
    run.log(
        metrics={f"{name}_images": split.n_images for name, split in metadata.splits.items()},
        artifacts=[folder / prepared.METADATA],
    )
