"""Official files, or stand-ins for them, into `data/raw/<dataset>/`."""

import os
from pathlib import Path
from typing import Any

from autoencoders import paths
from autoencoders.data import sources
from autoencoders.params import Params
from autoencoders.tracking import StageIdentity, StageRun


def used_params(params: Params, item: StageIdentity) -> dict[str, Any]:
    """Return the seed, the source, and the stand-ins' sizes."""
    data = params.data.model_dump(mode="json", include={"source", "stand_in"})
    return {"seed": params.seed, "data": data}


def data_used(item: StageIdentity) -> None:
    """Return nothing: this stage is where images come from."""


def outputs(item: StageIdentity) -> list[Path]:
    """Return the folder of published files."""
    return [_folder(item)]


def produce(params: Params, item: StageIdentity, run: StageRun) -> str:
    """Download or draw a dataset's files."""
    info = sources.fetch(
        _folder(item).name,
        params.data.source,
        _folder(item),
        train_images=params.data.stand_in.train_images,
        test_images=params.data.stand_in.test_images,
        seed=params.seed,
        mirror=os.environ.get("DATASET_MIRROR"),
    )
    size = sum(file.bytes for file in info.files.values()) / 1e6
    return f"{len(info.files)} {info.source} files, {size:.1f} MB, in {_folder(item)}"


def log(item: StageIdentity, run: StageRun) -> None:
    """Log where the files came from and their checksums."""
    info = sources.read_source(_folder(item))
    run.log(
        tags={"data.source": info.source},
        metrics={f"bytes/{name}": file.bytes for name, file in info.files.items()},
        artifacts=[_folder(item) / sources.RECORD],
    )


def _folder(item: StageIdentity) -> Path:
    assert item.dataset is not None
    return paths.raw(item.dataset)
