"""The splits of a dataset: packed arrays made from the fetched files, and their metadata."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from autoencoders import files, randomness
from autoencoders.datasets import prepared, raw_files
from autoencoders.datasets.binarization import draw_binary
from autoencoders.datasets.prepared import Metadata, SplitInfo
from autoencoders.datasets.raw_files import SourceInfo, write_rows
from autoencoders.datasets.stratification import stratified_split
from autoencoders.errors import UserError
from autoencoders.param_types import Bytes

Rows = npt.NDArray[np.intp]


def prepare(raw: Path, target: Path, train_fraction: float, seed: int) -> Metadata:
    """Check the fetched files, split the training images, and write all splits as arrays.

    Writes `<split>_images.npy` (uint8 `(N, C, H, W)`), `<split>_labels.npy` (uint8 `(N,)`) for
    train, validation and test, and `metadata.json`. The images keep the order of the files. With
    `binarize`, the images are binary; with `dynamic`, there is also the split `grey`, from which
    each epoch draws its training images.

    Args:
        raw: a folder written by the stage `fetch`.
        target: the folder to write; it is replaced completely, or unchanged after an error.
        train_fraction: the share of images for training; the others are for validation. It is
            exact in total, and in each class to within one image.
        seed: the seed of the split and of binary images.

    Raises:
        UserError: a raw file is missing, truncated or altered, or it contradicts its record; or a
            split would be empty.
    """
    info = raw_files.read_source(raw)
    arrays = raw_files.read_arrays(raw, info)
    images, labels = arrays.train_images, arrays.train_labels
    shape, classes = info.image_shape, len(info.class_names)
    with files.readable(raw):
        prepared.check_arrays(images, labels, shape, classes)
        prepared.check_arrays(arrays.test_images, arrays.test_labels, shape, classes)
    try:
        train, validation = _split(labels, info.per_image, train_fraction, seed)
    except ValueError as error:
        raise UserError(f"data.train_fraction: {error}") from None
    test_images, test = arrays.test_images, np.arange(len(arrays.test_labels))
    parts = {prepared.GREY: (images, labels, train)} if info.binarize == "dynamic" else {}
    if info.binarize:
        generator = randomness.generator(seed, "binary images")
        images, test_images = (_binary(grey, generator) for grey in (images, test_images))
    parts |= {
        "train": (images, labels, train),
        "validation": (images, labels, validation),
        "test": (test_images, arrays.test_labels, test),
    }
    with files.atomic_directory(target) as folder:
        written = {name: _write(folder, name, *part, info) for name, part in parts.items()}
        digests = [part.images_sha256 + part.labels_sha256 for part in written.values()]
        metadata = Metadata(
            dataset=info.dataset,
            title=info.title,
            source=info.source,
            class_names=info.class_names,
            image_shape=info.image_shape,
            splits=written,
            sha256=hashlib.sha256("".join(digests).encode()).hexdigest(),
        )
        files.write_json(folder / prepared.METADATA, asdict(metadata))
    return metadata


def _split(labels: Bytes, per_image: int, train_fraction: float, seed: int) -> list[Rows]:
    """Return the training and validation rows; patches of one image stay in the same split."""
    parts = stratified_split(labels[::per_image], train_fraction, np.random.default_rng(seed))
    patches = np.arange(per_image)
    return [(part[:, None] * per_image + patches).reshape(-1) for part in parts]


def _binary(images: Bytes, generator: torch.Generator) -> Bytes:
    """Return binary images `(N, …)`, drawn from grey ones."""
    binary: Bytes = draw_binary(torch.from_numpy(images), generator).numpy()
    return binary


def _write(
    folder: Path, split: str, images: Bytes, labels: Bytes, rows: Rows, info: SourceInfo
) -> SplitInfo:
    """Write the given rows of the images and labels as one split."""
    images_path, labels_path = prepared.split_paths(folder, split)
    write_rows(images_path, images.reshape(-1, *info.image_shape), rows)
    np.save(labels_path, labels[rows])
    counts = np.bincount(labels[rows], minlength=len(info.class_names))
    return SplitInfo(
        n_images=len(rows),
        class_counts=tuple(int(count) for count in counts),
        images_sha256=files.digest(images_path),
        labels_sha256=files.digest(labels_path),
    )
