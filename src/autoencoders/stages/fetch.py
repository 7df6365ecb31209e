"""The stage `fetch`: write official files, stand-ins or a user's images into `data/raw/`."""

import os
from typing import Any

from autoencoders import paths
from autoencoders.datasets import folders, published, raw_files
from autoencoders.datasets.image_files import ImageExtractor
from autoencoders.params import Params
from autoencoders.params.schema import ImageFolder
from autoencoders.pipeline import Item
from autoencoders.tracking import StageRun


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the data's seed and source, the stand-ins' sizes and the user's datasets."""
    data = params.data.model_dump(mode="json", include={"seed", "source", "stand_in", "datasets"})
    return {"data": data}


def data_used(item: Item) -> None:
    """Return None: this stage reads no dataset."""


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Download or generate a published dataset's files, or convert a folder of images."""
    data, target = params.data, paths.raw(item.dataset)
    own = data.datasets.get(item.dataset)
    title = ((own.title or "").strip() or item.dataset) if own else None
    if isinstance(own, ImageFolder):
        info = folders.fetch(
            item.dataset,
            paths.resolve_user_path(own.folder),
            target,
            title=title or item.dataset,
            extractor=ImageExtractor(
                own.shape[1],
                own.channels,
                own.misfits,
                own.patches.per_image if own.patches else None,
                own.patches.turned if own.patches else False,
            ),
            test_fraction=own.test_fraction,
            seed=data.seed,
        )
    else:
        info = published.fetch(
            item.dataset,
            data.source,
            target,
            of=own.of if own else None,
            title=title,
            binarize=own.binarize if own else None,
            train_images=data.stand_in.train_images,
            test_images=data.stand_in.test_images,
            seed=data.seed,
            mirror=os.environ.get("DATASET_MIRROR"),
        )
    size = sum(file.bytes for file in info.files.values()) / 1e6
    return f"{len(info.files)} {info.source} files, {size:.1f} MB, in {target}"


def log(item: Item, run: StageRun) -> None:
    """Log the source of the files, their sizes and checksums."""
    folder = paths.raw(item.dataset)
    info = raw_files.read_source(folder)
    run.log(
        tags={"data.source": info.source},
        metrics={f"bytes/{name}": file.bytes for name, file in info.files.items()},
        artifacts=[folder / raw_files.RECORD],
    )
