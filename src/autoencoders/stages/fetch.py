"""Official files, stand-ins for them, or a folder of images, into `data/raw/<dataset>/`."""

import os
from pathlib import Path
from typing import Any

from autoencoders import paths
from autoencoders.params import Params
from autoencoders.pipeline import Item
from autoencoders.sources import fetched, folders, published
from autoencoders.tracking import StageRun


def used_params(params: Params, item: Item) -> dict[str, Any]:
    """Return the seed, the source, the stand-ins' sizes, and people's own datasets."""
    data = params.data.model_dump(mode="json", include={"source", "stand_in", "datasets"})
    return {"seed": params.seed, "data": data}


def data_used(item: Item) -> None:
    """Return nothing: this stage is where images come from."""


def outputs(item: Item) -> list[Path]:
    """Return the folder of fetched files."""
    return [_folder(item)]


def produce(params: Params, item: Item, run: StageRun) -> str:
    """Download or draw a published dataset's files, or pack a folder of images."""
    fetch = _fetch_folder if _folder(item).name in params.data.datasets else _fetch_published
    info = fetch(params, _folder(item))
    size = sum(file.bytes for file in info.files.values()) / 1e6
    return f"{len(info.files)} {info.source} files, {size:.1f} MB, in {_folder(item)}"


def log(item: Item, run: StageRun) -> None:
    """Log where the files came from and their checksums."""
    info = fetched.read_source(_folder(item))
    run.log(
        tags={"data.source": info.source},
        metrics={f"bytes/{name}": file.bytes for name, file in info.files.items()},
        artifacts=[_folder(item) / fetched.RECORD],
    )


def _folder(item: Item) -> Path:
    return paths.raw(item.dataset)


def _fetch_published(params: Params, target: Path) -> fetched.SourceInfo:
    return published.fetch(
        target.name,
        params.data.source,
        target,
        train_images=params.data.stand_in.train_images,
        test_images=params.data.stand_in.test_images,
        seed=params.seed,
        mirror=_mirror(),
    )


def _mirror() -> str | None:
    """Return the URL or the folder of a mirror of the user's."""
    mirror = os.environ.get("DATASET_MIRROR")
    if not mirror or mirror.startswith(("file:", "http:", "https:")):
        return mirror
    return str(paths.users(mirror))


def _fetch_folder(params: Params, target: Path) -> fetched.SourceInfo:
    own = params.data.datasets[target.name]
    return folders.fetch(
        target.name,
        paths.users(own.folder),
        target,
        title=(own.title or "").strip() or target.name,
        size=own.shape[1],
        channels=own.channels,
        test_fraction=own.test_fraction,
        misfits=own.misfits,
        seed=params.seed,
        per_image=own.patches.per_image if own.patches else None,
        turned=own.patches.turned if own.patches else False,
    )
