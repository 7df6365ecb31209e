"""A dataset's prepared splits: packed arrays that open in an instant, and what they are."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from autoencoders import files
from autoencoders.param_types import Bytes, ImageShape, Source

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


class Prepared:
    """The splits of a dataset: verified and opened when first asked for, and kept.

    Images are uint8 `(N, C, H, W)`, left on disk until they are indexed; labels int64 `(N,)`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._opened: dict[str, tuple[Tensor, Tensor]] = {}

    @cached_property
    def metadata(self) -> Metadata:
        """Return what the splits hold."""
        return load_metadata(self.folder)

    def images(self, split: str) -> Tensor:
        """Return a split's images."""
        return self._open(split)[0]

    def labels(self, split: str) -> Tensor:
        """Return the classes of a split's images."""
        return self._open(split)[1]

    def _open(self, split: str) -> tuple[Tensor, Tensor]:
        if split not in self._opened:
            images, labels = load(self.folder, split)
            self._opened[split] = torch.from_numpy(images), torch.from_numpy(labels).long()
        return self._opened[split]


def load_metadata(folder: Path) -> Metadata:
    """Read what a prepared folder holds.

    Raises:
        UserError: the folder is missing, or its metadata is unreadable.
    """
    with files.readable(folder / METADATA) as path:
        return METADATA_FORM.validate_python(files.read_json(path))


def load(folder: Path, split: str) -> tuple[Bytes, Bytes]:
    """Open images `(N, C, H, W)`, left on disk, and labels `(N,)` of a split, both uint8.

    Raises:
        UserError: a file is missing, truncated or altered, or does not hold what the metadata say.
    """
    metadata = load_metadata(folder)
    with files.readable(folder / METADATA):
        described = metadata.splits[split]
    images_path, labels_path = split_paths(folder, split)
    files.verify(images_path, described.images_sha256)
    files.verify(labels_path, described.labels_sha256)
    with files.readable(folder):
        images, labels = np.load(images_path, mmap_mode="c"), np.load(labels_path)
        check_arrays(images, labels, metadata.image_shape, len(metadata.class_names))
    return images, labels


def split_paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return where a split's images and its labels lie in a prepared folder."""
    return folder / f"{split}_images.npy", folder / f"{split}_labels.npy"


def check_arrays(images: Bytes, labels: Bytes, shape: ImageShape, classes: int) -> None:
    """Raise a `ValueError` unless images and labels are as many bytes as the rest says."""
    if not images.dtype == labels.dtype == np.uint8:
        raise ValueError(f"images of {images.dtype} and labels of {labels.dtype}, not of bytes")
    if labels.ndim != 1 or images.shape[:1] != labels.shape or not len(labels):
        raise ValueError(f"images {images.shape} with labels {labels.shape}")
    if images[0].size != math.prod(shape):
        raise ValueError(f"images of {images.shape[1:]} where {shape} was said")
    if labels.max() >= classes:
        raise ValueError(f"a label {labels.max()} for {classes} classes")
