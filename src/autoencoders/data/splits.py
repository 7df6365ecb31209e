"""A dataset's splits on disk: packed arrays that open in an instant, and what they are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders import files
from autoencoders.errors import UserError
from autoencoders.keys import Bytes, ImageShape, Source

METADATA = "metadata.json"


@dataclass(frozen=True)
class SplitInfo:
    """What a split holds; the digests are SHA-256 of its two files."""

    n_images: int
    class_counts: tuple[int, ...]
    images_sha256: str
    labels_sha256: str


@dataclass(frozen=True)
class Metadata:
    """What a prepared folder holds; `sha256` changes with any of its images or labels."""

    dataset: str
    title: str  # in figures and tables
    source: Source
    class_names: tuple[str, ...]
    image_shape: ImageShape
    splits: dict[str, SplitInfo]
    sha256: str


def load(folder: Path, split: str, stage: str, mmap: bool) -> tuple[Bytes, Bytes]:
    """Open a split.

    Args:
        folder: a folder that the stage `prepare` wrote.
        split: `train`, `validation` or `test`.
        stage: the name of the stage that writes the folder, for complaints.
        mmap: leave the images on disk and read those that are indexed; nothing is written.

    Returns:
        Images `(N, C, H, W)` and labels `(N,)`, both uint8.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    described = load_metadata(folder, stage).splits[split]
    images, labels = paths(folder, split)
    files.verify(files.require(images, stage), described.images_sha256, stage)
    files.verify(files.require(labels, stage), described.labels_sha256, stage)
    return np.load(images, mmap_mode="c" if mmap else None), np.load(labels)


def load_metadata(folder: Path, stage: str) -> Metadata:
    """Read what a prepared folder holds.

    Raises:
        UserError: the folder is missing, or its metadata is unreadable.
    """
    path = files.require(folder / METADATA, stage)
    try:
        record = files.read_json(path)
        splits = {
            name: SplitInfo(**{**entry, "class_counts": tuple(entry["class_counts"])})
            for name, entry in record["splits"].items()
        }
        channels, height, width = record["image_shape"]
        return Metadata(
            dataset=record["dataset"],
            title=record["title"],
            source=record["source"],
            class_names=tuple(record["class_names"]),
            image_shape=(channels, height, width),
            splits=splits,
            sha256=record["sha256"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is unreadable ({error}): run `dvc repro -f -s {stage}`") from error


def paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return where a split's images and its labels lie in a prepared folder."""
    return folder / f"{split}_images.npy", folder / f"{split}_labels.npy"
