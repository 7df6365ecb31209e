"""Fetching a published dataset: its official files, or generated stand-ins for them."""

import sys
from pathlib import Path
from typing import Literal

import numpy as np

from autoencoders import files
from autoencoders.errors import UserError, warn
from autoencoders.keys import Source
from autoencoders.sources import official
from autoencoders.sources.datasets import DATASETS, PublishedFormat
from autoencoders.sources.fetched import (
    Arrays,
    SourceInfo,
    WrittenFormat,
    write_arrays,
    write_record,
)

Wanted = Literal["official", "stand-in", "auto"]

# Nobody can write CIFAR-10's pickles as Python 2 did: its stand-ins are plain arrays.
STAND_IN_FORMATS: dict[PublishedFormat, WrittenFormat] = {"idx": "idx", "cifar": "npy"}


def fetch(
    dataset: str,
    source: Wanted,
    target: Path,
    *,
    train_images: int,
    test_images: int,
    seed: int,
    mirror: str | None,
) -> SourceInfo:
    """Write a dataset's files and a record of them, `source.json`, as one folder.

    The same files give the same record: it holds neither dates nor the mirror.

    Args:
        dataset: a name in `DATASETS`.
        source: `official`, `stand-in`, or `auto`: official, and where no mirror can be reached
            the stand-in, with a banner on standard error.
        target: the folder; it is replaced as a whole, or left as it was.
        train_images: how many stand-in images to draw for training and validation.
        test_images: how many stand-in images to draw for testing.
        seed: of the stand-in images.
        mirror: tried before those in `DATASETS`: see `official.download`.

    Raises:
        UserError: the official files were asked for and cannot be reached; or a file's checksum
            is wrong, whatever was asked for.
    """
    known = DATASETS[dataset]
    used: Source = "official"
    with files.atomic_directory(target) as folder:
        if source == "stand-in" or not _download(dataset, source, folder, mirror):
            used = "stand-in"
            drawn = _stand_ins(dataset, train_images, test_images, seed)
            write_arrays(folder, STAND_IN_FORMATS[known.format], drawn)
        info = write_record(
            folder,
            dataset=dataset,
            title=known.title,
            source=used,
            format=known.format if used == "official" else STAND_IN_FORMATS[known.format],
            class_names=known.class_names,
            image_shape=known.shape,
        )
    if source == "auto" and used == "stand-in":
        print(stand_in_banner(dataset), file=sys.stderr)
    return info


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


def _download(dataset: str, source: Wanted, folder: Path, mirror: str | None) -> bool:
    """Download the official files, or return False where `auto` may go on without them."""
    try:
        served = official.download(dataset, folder, mirror)
    except official.Unreachable as error:
        if source == "official":
            known = DATASETS[dataset]
            raise UserError(
                f"the official {known.title} files cannot be reached ({error}): go online, set "
                f"DATASET_MIRROR to a folder or URL that holds {known.folder}/, or allow "
                "stand-ins with data.source: auto"
            ) from error
        warn(f"no mirror could be used: {error}")
        return False
    print(f"{dataset}: official files from {served}", file=sys.stderr)
    return True


def _stand_ins(dataset: str, train_images: int, test_images: int, seed: int) -> Arrays:
    from autoencoders.sources import stand_ins  # drawing needs what takes a second to import

    # Two streams of one seed: what is tested on depends neither on how many images are trained
    # on nor, as consecutive seeds would, on another seed's training images.
    train_seed, test_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    return Arrays(
        *stand_ins.generate(dataset, train_images, train_seed),
        *stand_ins.generate(dataset, test_images, test_seed),
    )
