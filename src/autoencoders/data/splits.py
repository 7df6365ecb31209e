"""A dataset's splits on disk: packed arrays that open in an instant, and what they are."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoencoders import files
from autoencoders.data import fetched
from autoencoders.data.fetched import verify
from autoencoders.data.stratification import stratified
from autoencoders.errors import UserError

Bytes = npt.NDArray[np.uint8]

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
    source: fetched.Source
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]  # C, H, W
    splits: dict[str, SplitInfo]
    sha256: str


def prepare(raw: Path, target: Path, train_fraction: float, seed: int) -> Metadata:
    """Check the fetched files, split the training images, and write all as packed arrays.

    Writes `<split>_images.npy` (uint8 `(N, C, H, W)`), `<split>_labels.npy` (uint8 `(N,)`) for
    train, validation and test, and `metadata.json`. Images keep the order of the fetched files.

    Args:
        raw: a folder that the stage `fetch` wrote.
        target: the folder to write; it is replaced as a whole, or left as it was.
        train_fraction: share of the training images to train on, the rest to validate; exact in
            total, and in each class to within one image.
        seed: decides which images of a class are trained on.

    Raises:
        UserError: a raw file is missing, truncated or altered; or a split would be empty.
    """
    info = fetched.read_source(raw)
    arrays = fetched.read_arrays(raw, info)
    images, labels = arrays.train_images, arrays.train_labels
    try:
        train, validation = stratified(labels, train_fraction, np.random.default_rng(seed))
    except ValueError as error:
        raise UserError(
            f"train_fraction {error}: set data.train_fraction so that training and validation "
            "each get at least one image"
        ) from None
    parts = {
        "train": (images[train], labels[train]),
        "validation": (images[validation], labels[validation]),
        "test": (arrays.test_images, arrays.test_labels),
    }
    with files.atomic_directory(target) as folder:
        splits = {name: _write(folder, name, *parts[name], info) for name in parts}
        metadata = Metadata(
            dataset=info.dataset,
            title=info.title,
            source=info.source,
            class_names=info.class_names,
            image_shape=info.image_shape,
            splits=splits,
            sha256=_digest_of_all(splits),
        )
        files.write_json(folder / METADATA, asdict(metadata))
    return metadata


def load(folder: Path, split: str, mmap: bool) -> tuple[Bytes, Bytes]:
    """Open a split.

    Args:
        folder: a folder that `prepare` wrote.
        split: `train`, `validation` or `test`.
        mmap: leave the images on disk and read those that are indexed; nothing is written.

    Returns:
        Images `(N, C, H, W)` and labels `(N,)`, both uint8.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    described = load_metadata(folder).splits[split]
    stage = f"prepare@{folder.name}"
    images, labels = _paths(folder, split)
    verify(files.require(images, stage), described.images_sha256, stage)
    verify(files.require(labels, stage), described.labels_sha256, stage)
    return np.load(images, mmap_mode="c" if mmap else None), np.load(labels)


def load_metadata(folder: Path) -> Metadata:
    """Read what a prepared folder holds.

    Raises:
        UserError: the folder is missing, or its metadata is unreadable.
    """
    stage = f"prepare@{folder.name}"
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


def _paths(folder: Path, split: str) -> tuple[Path, Path]:
    return folder / f"{split}_images.npy", folder / f"{split}_labels.npy"


def _write(
    folder: Path, split: str, images: Bytes, labels: Bytes, info: fetched.SourceInfo
) -> SplitInfo:
    images_path, labels_path = _paths(folder, split)
    np.save(images_path, images.reshape(-1, *info.image_shape))
    np.save(labels_path, labels)
    counts = np.bincount(labels, minlength=len(info.class_names))
    return SplitInfo(
        n_images=len(labels),
        class_counts=tuple(int(count) for count in counts),
        images_sha256=files.digest(images_path),
        labels_sha256=files.digest(labels_path),
    )


def _digest_of_all(splits: dict[str, SplitInfo]) -> str:
    digests = [part.images_sha256 + part.labels_sha256 for part in splits.values()]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
