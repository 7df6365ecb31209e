"""Fetching a dataset: its official files, or stand-ins for them in the same format."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from autoencoders import files
from autoencoders.data import official
from autoencoders.data.datasets import DATASETS
from autoencoders.data.idx import write_idx
from autoencoders.errors import UserError

Source = Literal["official", "stand-in"]
Wanted = Literal["official", "stand-in", "auto"]

RECORD = "source.json"
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


@dataclass(frozen=True)
class FileInfo:
    """What a fetched file was when it was fetched."""

    bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class SourceInfo:
    """Where a dataset's files came from, and what they are."""

    dataset: str
    source: Source
    files: dict[str, FileInfo]


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
    """Write a dataset's four files and a record of them, `source.json`, as one folder.

    The same files give the same record: it holds neither dates nor the mirror.

    Args:
        dataset: `mnist` or `fashion_mnist`.
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
    with files.atomic_directory(target) as folder:
        used: Source = "official"
        if source == "stand-in" or not _download(dataset, source, folder, mirror):
            used = "stand-in"
            _write_stand_ins(dataset, folder, train_images, test_images, seed)
        info = SourceInfo(dataset, used, {name: _describe(folder / name) for name in FILES})
        files.write_json(folder / RECORD, asdict(info))
    if source == "auto" and used == "stand-in":
        print(stand_in_banner(dataset), file=sys.stderr)
    return info


def read_source(raw: Path) -> SourceInfo:
    """Read the record of a fetched folder.

    Raises:
        UserError: the record is missing or unreadable.
    """
    stage = f"fetch@{raw.name}"
    path = files.require(raw / RECORD, stage)
    try:
        record = files.read_json(path)
        listed = {name: FileInfo(**entry) for name, entry in record["files"].items()}
        return SourceInfo(record["dataset"], record["source"], listed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is unreadable ({error}): run `dvc repro -f -s {stage}`") from error


def stand_in_banner(dataset: str) -> str:
    """Return what to tell people whose official files were replaced, a few lines in a frame."""
    rule = "!" * 88
    return f"""
{rule}
!!  STAND-IN DATA: no mirror of the official {DATASETS[dataset].title} files could be reached.
!!  Generated images stand in for them; figures and results will say "stand-in data".
!!  For the official files, go online or set DATASET_MIRROR to a folder or URL that holds
!!  mnist/ and fashion-mnist/, then run
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
            raise UserError(
                f"the official {DATASETS[dataset].title} files cannot be reached ({error}): "
                "go online, set DATASET_MIRROR to a folder or URL that holds mnist/ and "
                "fashion-mnist/, or allow stand-ins with data.source: auto"
            ) from error
        print(f"warning: no mirror could be used: {error}", file=sys.stderr)
        return False
    print(f"{dataset}: official files from {served}", file=sys.stderr)
    return True


def _write_stand_ins(
    dataset: str, folder: Path, train_images: int, test_images: int, seed: int
) -> None:
    from autoencoders.data import stand_ins  # drawing needs what takes a second to import

    # Two streams of one seed: what is tested on depends neither on how many images are trained
    # on nor, as consecutive seeds would, on another seed's training images.
    train_seed, test_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    images, labels = stand_ins.generate(dataset, train_images, train_seed)
    write_idx(folder / TRAIN_IMAGES, images)
    write_idx(folder / TRAIN_LABELS, labels)
    images, labels = stand_ins.generate(dataset, test_images, test_seed)
    write_idx(folder / TEST_IMAGES, images)
    write_idx(folder / TEST_LABELS, labels)


def _describe(path: Path) -> FileInfo:
    return FileInfo(path.stat().st_size, files.digest(path), files.digest(path, "md5"))
