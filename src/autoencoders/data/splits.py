"""A dataset's splits on disk: packed arrays that open in an instant, and what they are."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from autoencoders import files
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


METADATA_FORM = TypeAdapter(Metadata)


def load(folder: Path, split: str, mmap: bool) -> tuple[Bytes, Bytes]:
    """Open a split.

    Args:
        folder: a folder that the stage `prepare` wrote.
        split: `train`, `validation` or `test`.
        mmap: leave the images on disk and read those that are indexed; nothing is written.

    Returns:
        Images `(N, C, H, W)` and labels `(N,)`, both uint8.

    Raises:
        UserError: a file is missing, truncated or altered, or does not hold what the metadata say.
    """
    metadata = load_metadata(folder)
    with files.readable(folder / METADATA):
        described = metadata.splits[split]
    images_path, labels_path = paths(folder, split)
    files.verify(images_path, described.images_sha256)
    files.verify(labels_path, described.labels_sha256)
    with files.readable(folder):
        images, labels = np.load(images_path, mmap_mode="c" if mmap else None), np.load(labels_path)
        require_bytes(images, labels, metadata.image_shape, len(metadata.class_names))
    return images, labels


def require_bytes(images: Bytes, labels: Bytes, shape: ImageShape, classes: int) -> None:
    """Raise a `ValueError` unless images and labels are as many bytes as the rest says."""
    if not images.dtype == labels.dtype == np.uint8:
        raise ValueError(f"images of {images.dtype} and labels of {labels.dtype}, not of bytes")
    if labels.ndim != 1 or images.shape[:1] != labels.shape or not len(labels):
        raise ValueError(f"images {images.shape} with labels {labels.shape}")
    if images[0].size != math.prod(shape):
        raise ValueError(f"images of {images.shape[1:]} where {shape} was said")
    if labels.max() >= classes:
        raise ValueError(f"a label {labels.max()} for {classes} classes")


def load_metadata(folder: Path) -> Metadata:
    """Read what a prepared folder holds.

    Raises:
        UserError: the folder is missing, or its metadata is unreadable.
    """
    with files.readable(folder / METADATA) as path:
        return METADATA_FORM.validate_python(files.read_json(path))


def paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return where a split's images and its labels lie in a prepared folder."""
    return folder / f"{split}_images.npy", folder / f"{split}_labels.npy"
