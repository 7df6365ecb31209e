"""Prepared splits of a dataset: memory-mapped arrays and their metadata."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from autoencoders import files
from autoencoders.param_types import Bytes, ImageShape, Source

METADATA = "metadata.json"
GREY = "grey"  # the split from which each epoch draws binary training images


@dataclass(frozen=True)
class SplitInfo:
    """The contents of a split; the digests are the SHA-256 of its two files."""

    n_images: int
    class_counts: tuple[int, ...]
    images_sha256: str
    labels_sha256: str


@dataclass(frozen=True)
class Metadata:
    """The contents of a prepared folder; `sha256` depends on all images and labels."""

    dataset: str
    title: str  # in figures and tables
    source: Source
    class_names: tuple[str, ...]
    image_shape: ImageShape
    splits: dict[str, SplitInfo]
    sha256: str


METADATA_ADAPTER = TypeAdapter(Metadata)


class Prepared:
    """The splits of a dataset; each is verified and opened once, at first use.

    Images are uint8 `(N, C, H, W)`, memory-mapped from disk; labels are int64 `(N,)`. `test` is the
    split that stands for the test set: `validation` for choices of settings.
    """

    def __init__(self, folder: Path, test: Literal["test", "validation"] = "test") -> None:
        self.folder = folder
        self.test = test
        self.name = folder.name
        self._opened: dict[str, tuple[Tensor, Tensor]] = {}

    @cached_property
    def metadata(self) -> Metadata:
        """Return the description of the splits."""
        return load_metadata(self.folder)

    def images(self, split: str) -> Tensor:
        """Return a split's images."""
        return self._open(split)[0]

    @property
    def redrawn(self) -> bool:
        """Return whether each epoch of a training draws new binary images."""
        return GREY in self.metadata.splits

    @property
    def training_images(self) -> Tensor:
        """Return the images for a training; if they are redrawn, the grey ones."""
        return self.images(GREY if self.redrawn else "train")

    def labels(self, split: str) -> Tensor:
        """Return the classes of a split's images."""
        return self._open(split)[1]

    def _open(self, split: str) -> tuple[Tensor, Tensor]:
        split = self.test if split == "test" else split
        if split not in self._opened:
            images, labels = load(self.folder, split)
            self._opened[split] = torch.from_numpy(images), torch.from_numpy(labels).long()
        return self._opened[split]


def load_metadata(folder: Path) -> Metadata:
    """Read the metadata of a prepared folder.

    Raises:
        UserError: the folder is missing, or its metadata is unreadable.
    """
    with files.readable(folder / METADATA) as path:
        return METADATA_ADAPTER.validate_python(files.read_json(path))


def load(folder: Path, split: str) -> tuple[Bytes, Bytes]:
    """Return the memory-mapped images `(N, C, H, W)` and the labels `(N,)` of a split, both uint8.

    Raises:
        UserError: a file is missing, truncated or altered, or it contradicts the metadata.
    """
    metadata = load_metadata(folder)
    with files.readable(folder / METADATA):
        info = metadata.splits[split]
    images_path, labels_path = split_paths(folder, split)
    files.verify(images_path, info.images_sha256)
    files.verify(labels_path, info.labels_sha256)
    with files.readable(folder):
        images, labels = open_array(images_path, "c"), np.load(labels_path)
        check_arrays(images, labels, metadata.image_shape, len(metadata.class_names))
    return images, labels


def open_array(path: Path, mode: Literal["r", "c"]) -> Bytes:
    """Return the array of an npy file, of any shape; memory-mapped if the file system allows it."""
    try:
        array: Bytes = np.load(path, mmap_mode=mode)
    except OSError:
        array = np.load(path)
    return array


def split_paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return the paths of a split's images and labels in a prepared folder."""
    return folder / f"{split}_images.npy", folder / f"{split}_labels.npy"


def check_arrays(images: Bytes, labels: Bytes, shape: ImageShape, classes: int) -> None:
    """Raise a `ValueError` unless images `(N, …)` and labels `(N,)` fit the shape and classes."""
    if not images.dtype == labels.dtype == np.uint8:
        raise ValueError(f"found {images.dtype} images and {labels.dtype} labels; allowed: uint8")
    if labels.ndim != 1 or images.shape[:1] != labels.shape or not len(labels):
        raise ValueError(f"found images {images.shape}, labels {labels.shape}; allowed: N of each")
    if images[0].size != math.prod(shape):
        raise ValueError(f"found images of shape {images.shape[1:]}; allowed: {shape}")
    if labels.max() >= classes:
        raise ValueError(f"found the label {labels.max()}; allowed: 0 to {classes - 1}")
