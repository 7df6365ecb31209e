"""A fetched folder: a dataset's files, and the record that says what they are.

`fetch` writes it and `prepare` reads it, whatever the images' source and format.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter

from autoencoders import files
from autoencoders.keys import Bytes, ImageShape, Source
from autoencoders.sources import cifar
from autoencoders.sources.idx import read_idx, write_idx

Format = Literal["idx", "cifar", "npy"]
WrittenFormat = Literal["idx", "npy"]

RECORD = "source.json"
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
IDX_FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
NPY_FILES = ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy")
FILES: dict[Format, tuple[str, ...]] = {
    "idx": IDX_FILES,
    "cifar": (cifar.ARCHIVE,),
    "npy": NPY_FILES,
}


@dataclass(frozen=True)
class Arrays:
    """A dataset's images `(N, …)` and labels `(N,)`, all uint8."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes

    def each(self) -> tuple[Bytes, Bytes, Bytes, Bytes]:
        """Return the four in the order in which every format names its files."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


@dataclass(frozen=True)
class FileInfo:
    """What a fetched file was when it was fetched."""

    bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class SourceInfo:
    """Where a dataset's files came from, and what they and their images are.

    Of the images to train on, `per_image` after each other are patches of one image.
    """

    dataset: str
    title: str
    source: Source
    format: Format
    class_names: tuple[str, ...]
    image_shape: ImageShape
    files: dict[str, FileInfo]
    per_image: int = 1


SOURCE_FORM = TypeAdapter(SourceInfo)


def write_arrays(folder: Path, format: WrittenFormat, arrays: Arrays) -> None:
    """Write a dataset as four files; the same arrays give the same files, byte for byte."""
    if format == "idx":
        for name, array in zip(IDX_FILES, arrays.each(), strict=True):
            write_idx(folder / name, array)
    else:
        for name, array in zip(NPY_FILES, arrays.each(), strict=True):
            np.save(folder / name, array)


def write_record(
    folder: Path,
    *,
    dataset: str,
    title: str,
    source: Source,
    format: Format,
    class_names: tuple[str, ...],
    image_shape: ImageShape,
    per_image: int = 1,
) -> SourceInfo:
    """Write the record of all files in a folder; it holds neither dates nor places."""
    described = {path.name: _describe(path) for path in sorted(folder.iterdir())}
    info = SourceInfo(
        dataset, title, source, format, class_names, image_shape, described, per_image
    )
    files.write_json(folder / RECORD, asdict(info))
    return info


def read_source(folder: Path) -> SourceInfo:
    """Read the record of a fetched folder.

    Raises:
        UserError: the record is missing or unreadable.
    """
    with files.readable(folder / RECORD) as path:
        return SOURCE_FORM.validate_python(files.read_json(path))


def read_arrays(folder: Path, info: SourceInfo) -> Arrays:
    """Read the images and labels of a fetched folder.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    with files.readable(folder / RECORD):
        described = {name: info.files[name] for name in FILES[info.format]}
    for name, file in described.items():
        files.verify(folder / name, file.sha256)
    with files.readable(folder):
        return READERS[info.format](folder)


def _describe(path: Path) -> FileInfo:
    return FileInfo(path.stat().st_size, files.digest(path), files.digest(path, "md5"))


def _read_idx(folder: Path) -> Arrays:
    return Arrays(*(read_idx(folder / name) for name in IDX_FILES))


def _read_cifar(folder: Path) -> Arrays:
    archive = folder / cifar.ARCHIVE
    train, test = (cifar.read_batches(archive, names) for names in (cifar.TRAIN, cifar.TEST))
    return Arrays(*train, *test)


def _read_npy(folder: Path) -> Arrays:
    return Arrays(*(np.load(folder / name, mmap_mode="r") for name in NPY_FILES))


READERS: dict[Format, Callable[[Path], Arrays]] = {
    "idx": _read_idx,
    "cifar": _read_cifar,
    "npy": _read_npy,
}
