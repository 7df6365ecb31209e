"""Fetched folders: the files of a dataset and the record that describes them.

The stage `fetch` writes such a folder, and `prepare` reads it, for all sources and formats.
"""

import gzip
import struct
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter
from torchvision.datasets import CIFAR10, MNIST
from torchvision.datasets.utils import check_integrity, extract_archive

from autoencoders import files
from autoencoders.datasets.prepared import open_array
from autoencoders.param_types import Binarize, Bytes, ImageShape, Source

Format = Literal["idx", "cifar", "npy"]

CHUNK_BYTES = 64 * 2**20  # copied at a time
RECORD = "source.json"
IDX_FILES = tuple(name for name, md5 in MNIST.resources)
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX_FILES
NPY_FILES = ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy")
FILES: dict[Format, tuple[str, ...]] = {
    "idx": IDX_FILES,
    "cifar": (CIFAR10.filename,),
    "npy": NPY_FILES,
}


class Arrays(NamedTuple):
    """A dataset's images `(N, …)` and labels `(N,)`, all uint8, in the order of its files."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


@dataclass(frozen=True)
class FileInfo:
    """The size and checksums of a file at the time it was fetched."""

    bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class SourceInfo:
    """The source of a dataset's files, and a description of the files and images.

    Each `per_image` successive training images are patches of one image. With `binarize`, the stage
    `prepare` draws binary images from these grey ones.
    """

    dataset: str
    title: str
    source: Source
    format: Format
    class_names: tuple[str, ...]
    image_shape: ImageShape
    files: dict[str, FileInfo] = field(default_factory=dict)
    per_image: int = 1
    binarize: Binarize | None = None


SOURCE_ADAPTER = TypeAdapter(SourceInfo)


def write_idx(path: Path, array: Bytes) -> None:
    """Write an array of any shape as gzipped IDX, MNIST's format; equal arrays give equal files."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=6, mtime=0))


def write_rows(path: Path, images: Bytes, rows: npt.NDArray[np.integer]) -> None:
    """Write `images[rows]` of images `(N, …)` in chunks, with the same bytes as `np.save`.

    The file is not memory-mapped: on a full disk, the system kills a process that writes to a map.
    """
    rows_at_once = max(1, CHUNK_BYTES // max(1, images[:1].nbytes))
    shape = (len(rows), *images.shape[1:])
    with path.open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(rows), rows_at_once):
            chunk = images[rows[start : start + rows_at_once]]
            stream.write(np.ascontiguousarray(chunk).data)


def write_record(folder: Path, info: SourceInfo) -> SourceInfo:
    """Write the record of all files in a folder, and return it; it has no dates and no paths."""
    described = {
        path.name: FileInfo(path.stat().st_size, files.digest(path), files.digest(path, "md5"))
        for path in sorted(folder.iterdir())
    }
    info = replace(info, files=described)
    files.write_json(folder / RECORD, asdict(info))
    return info


def read_source(folder: Path) -> SourceInfo:
    """Read the record of a fetched folder.

    Raises:
        UserError: the record is missing or unreadable.
    """
    with files.readable(folder / RECORD) as path:
        return SOURCE_ADAPTER.validate_python(files.read_json(path))


def read_arrays(folder: Path, info: SourceInfo) -> Arrays:
    """Read the images `(N, …)` and labels `(N,)` of a fetched folder, all uint8.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    with files.readable(folder / RECORD):
        described = {name: info.files[name] for name in FILES[info.format]}
    for name, file in described.items():
        files.verify(folder / name, file.sha256)
    with files.readable(folder):
        if info.format == "npy":
            return Arrays(*(open_array(folder / name, "r") for name in NPY_FILES))
        return _read_published(folder, MNIST if info.format == "idx" else CIFAR10)


def _read_published(folder: Path, dataset: type[MNIST | CIFAR10]) -> Arrays:
    """Unpack the files into torchvision's folder structure and read them with torchvision."""
    with TemporaryDirectory() as scratch:
        if dataset is CIFAR10:
            # Unpickling can run code, so only the published archive is unpacked. torchvision also
            # verifies the MD5 of each file in it.
            if not check_integrity(folder / CIFAR10.filename, CIFAR10.tgz_md5):
                raise ValueError(f"{CIFAR10.filename} is not the published file")
            extract_archive(folder / CIFAR10.filename, scratch)
        else:
            unpacked = Path(scratch, "MNIST", "raw")
            unpacked.mkdir(parents=True)
            for name in IDX_FILES:
                extract_archive(folder / name, unpacked)
        return Arrays(*_bytes(dataset(scratch, train=True)), *_bytes(dataset(scratch, train=False)))


def _bytes(part: Any) -> tuple[Bytes, Bytes]:
    """Return the images, channels first, and the labels of a torchvision dataset."""
    images, labels = np.asarray(part.data), np.asarray(part.targets, np.uint8)
    return images.transpose(0, 3, 1, 2) if images.ndim == 4 else images, labels
