"""User datasets: a folder of images, packed into arrays for the later stages."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from autoencoders import files
from autoencoders.datasets import folder_layout
from autoencoders.datasets.folder_layout import TEST, TRAIN
from autoencoders.datasets.image_files import Bools, ImageExtractor, pack_images, write_splits
from autoencoders.datasets.raw_files import SourceInfo, write_record
from autoencoders.datasets.stratification import stratified_split
from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable
from autoencoders.images.formats import EXAMPLES
from autoencoders.images.listing import Listing, format_examples, list_images
from autoencoders.param_types import Bytes


def fetch(
    dataset: str,
    source: Path,
    target: Path,
    *,
    title: str,
    extractor: ImageExtractor,
    test_fraction: float | None,
    seed: int,
) -> SourceInfo:
    """Pack a folder of images into four arrays and the record `source.json`, in one folder.

    The images lie in class folders; a folder without class folders is one class. Folders `train/`
    and `test/` around them define the split. `folder_layout` refuses all other layouts. Each image
    is packed once, even if several links lead to it. Files and folders that start with a dot are
    ignored. Warnings count all other skipped files, and images with identical pixels. The order of
    the images depends only on their paths and the seed.

    Args:
        dataset: its name in `data.datasets`.
        source: the folder; nothing is written to it.
        target: the folder to write; it is replaced completely, or unchanged after an error.
        title: the name of the dataset in figures and tables.
        extractor: takes the images or patches from each file.
        test_fraction: the test set's share of the images, exact in each class to within one image;
            None if `source` has `train/` and `test/`.
        seed: the seed of the split, of the order, and of the patches' positions.

    Raises:
        UserError: the folder is missing or empty, has another layout, or overlaps with `target`;
            files cannot be used (the message lists all of them); or a split would be empty.
    """
    key = f"data.datasets.{dataset}"
    where = f"{key}.folder: {printable(str(source))}"
    listing = _list_source(source, target, key)
    paths = listing.images
    split = folder_layout.has_split_folders(paths, source, where)
    if split == (test_fraction is not None):
        found, allowed = (test_fraction, "null") if split else ("null", "a share such as 0.2")
        raise UserError(
            f"{key}.test_fraction: found {found}; allowed: {allowed}, because "
            f"{printable(str(source))} has {'' if split else 'no '}{TRAIN}/ and {TEST}/"
        )
    classes = folder_layout.class_names([Path(*path.parts[split:]) for path in paths], where)
    names, labels = _labels(classes)
    rng = np.random.default_rng([seed, 1])  # independent of the stage prepare
    is_test = np.array([split and path.parts[0] == TEST for path in paths])
    if test_fraction is not None:
        try:
            is_test[stratified_split(labels, test_fraction, rng)[0]] = True
        except ValueError as error:
            raise UserError(f"{key}.test_fraction: {error}") from None
    with files.atomic_directory(target) as folder:
        packed, shape = folder / "all", (extractor.channels, extractor.size, extractor.size)
        read, counts, sha256 = pack_images(source, paths, is_test, extractor, packed, seed, key)
        paths, is_test = [paths[i] for i in read], is_test[read]
        names, labels = _labels([classes[i] for i in read])
        with_images = folder_layout.class_folders(paths, split)
        if empty := folder_layout.class_folders(listing.folders, split) - with_images:
            warn(f"{where}: no image was read from {format_examples(sorted(empty))}")
        _check_split(names, labels, is_test, where, drawn=not split)
        if copies := _describe_copies(sha256, labels, is_test):
            warn(f"{where}: {copies}")
        write_splits(folder, packed, shape, counts, labels, is_test, rng)
        info = SourceInfo(
            dataset=dataset,
            title=title,
            source="folder",
            format="npy",
            class_names=tuple(names),
            image_shape=shape,
            per_image=extractor.per_image or 1,
        )
        return write_record(folder, info)


def _labels(classes: Sequence[str]) -> tuple[list[str], Bytes]:
    """Return the sorted names of the classes, and the index of each image's class `(N,)`."""
    names, labels = np.unique(classes, return_inverse=True)
    return names.tolist(), labels.astype(np.uint8)


def _list_source(source: Path, target: Path, key: str) -> Listing:
    """Return the contents of a source folder that is separate from `target`, else raise."""
    if not os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises on some
        raise UserError(
            f"{key}.folder: found {printable(str(source))!r}, which is not a folder (looked for "
            f"{printable(str(source.absolute()))}); allowed: an existing folder"
        )
    full_source, full_target = source.resolve(), target.resolve()
    if full_target.is_relative_to(full_source) or full_source.is_relative_to(full_target):
        raise UserError(
            f"{key}.folder: found {printable(str(source))}; allowed: a folder that neither "
            f"contains {target} nor lies in it, because the stage replaces {target}"
        )
    listing, where = list_images(source), f"{key}.folder: {printable(str(source))}"
    skipped = listing.describe_skipped()
    if not listing.images:
        found = f"no image file (skipped: {skipped})" if skipped else "no image file"
        raise UserError(f"{where}: found {found}; allowed: {EXAMPLES}")
    if skipped:
        warn(f"{where}: skipped: {skipped}")
    return listing


def _check_split(
    names: Sequence[str], labels: Bytes, is_test: Bools, where: str, *, drawn: bool
) -> None:
    """Raise a `UserError` for an empty set or test classes without training images.

    A missing class is only a warning in the test set, or if the split was drawn at random.
    """
    if is_test.all() or not is_test.any():
        part = "training" if is_test.all() else "test"
        raise UserError(f"{where}: the {part} set is empty; allowed: at least one readable image")
    untrained = [name for i, name in enumerate(names) if is_test[labels == i].all()]
    untested = [name for i, name in enumerate(names) if not is_test[labels == i].any()]
    if untrained and not drawn:
        raise UserError(
            f"{where}: {TEST}/ has images of {format_examples(untrained)}, and {TRAIN}/ has none; "
            f"move some of them to {TRAIN}/, or rename the folder as in {TRAIN}/"
        )
    for missing, part in ((untrained, "training"), (untested, "test")):
        if missing:
            warn(f"{where}: the {part} set has no image of {format_examples(missing)}")


def _describe_copies(sha256: Sequence[str], labels: Bytes, is_test: Bools) -> str:
    """Return how many images have identical pixels, as a message; empty if none have."""
    images = pd.DataFrame({"sha256": sha256, "label": labels, "is_test": is_test})
    copies = images[images.duplicated("sha256", keep=False)]
    if copies.empty:
        return ""
    groups = copies.groupby("sha256")
    in_both = (copies.is_test & ~groups.is_test.transform("all")).sum()
    contradictory = (groups.label.transform("nunique") > 1).sum()
    return (
        f"images with identical copies: {len(copies)} of {len(labels)}; test images that "
        f"are also in the training set: {in_both} of {is_test.sum()}; images that are also in "
        f"another class: {contradictory}"
    )
