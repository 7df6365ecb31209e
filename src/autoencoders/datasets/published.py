"""Fetching a published dataset: its official files, or generated stand-ins for them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from autoencoders import files
from autoencoders.datasets import official, stand_ins
from autoencoders.datasets.catalogue import DATASETS, Dataset, stand_in_banner
from autoencoders.datasets.raw_files import (
    FILES,
    Arrays,
    Format,
    SourceInfo,
    write_idx,
    write_record,
)
from autoencoders.errors import UserError, warn
from autoencoders.param_types import Bytes, Source

WRITERS: dict[Format, Callable[[Path, Bytes], None]] = {"idx": write_idx, "npy": np.save}

RequestedSource = Literal["official", "stand-in", "auto"]


def fetch(
    dataset: str,
    source: RequestedSource,
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
        mirror: tried before torchvision's mirrors: see `official.download`.

    Raises:
        UserError: the official files were asked for and cannot be reached; or a file's checksum
            is wrong, whatever was asked for.
    """
    known = DATASETS[dataset]
    with files.atomic_directory(target) as folder:
        downloaded = source != "stand-in" and _download(known, source, folder, mirror)
        # CIFAR-10's pickles are drawn as plain arrays.
        format: Format = known.format if downloaded or known.format == "idx" else "npy"
        if not downloaded:
            drawn = Arrays(
                *stand_ins.generate(dataset, "train", train_images, seed),
                *stand_ins.generate(dataset, "test", test_images, seed),
            )
            for name, array in zip(FILES[format], drawn, strict=True):
                WRITERS[format](folder / name, array)
        used: Source = "official" if downloaded else "stand-in"
        info = SourceInfo(dataset, known.title, used, format, known.class_names, known.shape)
        info = write_record(folder, info)
    if source == "auto" and not downloaded:
        print(stand_in_banner(dataset), file=sys.stderr)
    return info


def _download(known: Dataset, source: RequestedSource, folder: Path, mirror: str | None) -> bool:
    """Download the official files, or return False where `auto` may go on without them."""
    try:
        served = official.download(known.name, folder, mirror)
    except official.Unreachable as error:
        if source == "official":
            raise UserError(
                f"the official {known.title} files cannot be reached ({error}): go online, set "
                f"DATASET_MIRROR to a folder or URL that holds {known.folder}/, or allow "
                "stand-ins with data.source: auto"
            ) from error
        warn(f"no mirror could be used: {error}")
        return False
    print(f"{known.name}: official files from {served}", file=sys.stderr)
    return True
