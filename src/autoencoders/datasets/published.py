"""Published datasets: their official files, or generated stand-ins."""

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
from autoencoders.errors import UserError, warn, without_password
from autoencoders.param_types import Binarize, Bytes, Source

WRITERS: dict[Format, Callable[[Path, Bytes], None]] = {"idx": write_idx, "npy": np.save}

RequestedSource = Literal["official", "stand-in", "auto"]


def fetch(
    dataset: str,
    source: RequestedSource,
    target: Path,
    *,
    of: str | None = None,
    title: str | None = None,
    binarize: Binarize | None = None,
    train_images: int,
    test_images: int,
    seed: int,
    mirror: str | None,
) -> SourceInfo:
    """Write a dataset's files and a record of them, `source.json`, as one folder.

    The record depends only on the files: it contains no date and no mirror.

    Args:
        dataset: its name in params.yaml.
        source: `official`, `stand-in`, or `auto`: official files, or stand-ins with a banner on
            standard error if no mirror can be reached.
        target: the folder; it is replaced completely, or unchanged after an error.
        of: its name in `DATASETS`, if it is another one.
        title: its name in figures and tables; None for that of `DATASETS`.
        binarize: whether the stage `prepare` draws binary images from it.
        train_images: number of stand-in images for training and validation.
        test_images: number of stand-in images for testing.
        seed: seed of the stand-in images.
        mirror: a mirror to try before torchvision's: see `official.download`.

    Raises:
        UserError: `source` is `official` and no mirror can be reached; or, for any source, the
            checksum of a downloaded file is wrong.
    """
    spec = DATASETS[of or dataset]
    with files.atomic_directory(target) as folder:
        downloaded = source != "stand-in" and _download(spec, source, folder, mirror)
        # Stand-ins for CIFAR-10 are plain arrays, because its official format is a pickle.
        format: Format = spec.format if downloaded or spec.format == "idx" else "npy"
        if not downloaded:
            drawn = Arrays(
                *stand_ins.generate(spec.name, "train", train_images, seed),
                *stand_ins.generate(spec.name, "test", test_images, seed),
            )
            for name, array in zip(FILES[format], drawn, strict=True):
                WRITERS[format](folder / name, array)
        used: Source = "official" if downloaded else "stand-in"
        info = SourceInfo(
            dataset,
            title or spec.title,
            used,
            format,
            spec.class_names,
            spec.shape,
            binarize=binarize,
        )
        info = write_record(folder, info)
    if source == "auto" and not downloaded:
        print(stand_in_banner(dataset, spec.name), file=sys.stderr)
    return info


def _download(dataset: Dataset, source: RequestedSource, folder: Path, mirror: str | None) -> bool:
    """Download the official files; return False if `auto` must replace them by stand-ins."""
    try:
        url = official.download(dataset.name, folder, mirror)
    except official.Unreachable as error:
        if source == "official":
            raise UserError(
                f"no mirror of the official {dataset.title} files can be reached ({error}); go "
                f"online, set DATASET_MIRROR to a folder or URL that contains {dataset.folder}/, "
                "or allow stand-ins with data.source: auto"
            ) from error
        warn(f"no mirror can be reached: {error}")
        return False
    print(f"{dataset.name}: official files from {without_password(url)}", file=sys.stderr)
    return True
