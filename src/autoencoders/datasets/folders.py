"""People's own images: a folder of them, packed so that later stages never read it again."""

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
from autoencoders.images.listing import IMAGE_EXTENSIONS, Listing, format_examples, list_images
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
    """Pack a folder of images into four arrays and a record of them, `source.json`, as one folder.

    Images lie in class folders or, all of one class, in none. Where these lie in `train/` and
    `test/`, that is the split; `layout` refuses what only looks like one of these. Each image is
    taken once, whatever links lead to it. What starts with a dot is not looked at; what else is
    left out is counted in a warning, and so are copies of images. The images come in the order of
    their paths, mixed by the seed alone.

    Args:
        dataset: its name in `data.datasets`.
        source: the folder; nothing is written in it.
        target: the folder to write; it is replaced as a whole, or left as it was.
        title: of the dataset, in figures and tables.
        extractor: what is taken of each image, and what becomes of those that do not fit.
        test_fraction: share of the images to test on, the same in each class to within one image;
            None where `source` has `train/` and `test/`.
        seed: decides which images of a class are tested on, how all are mixed, and where patches
            are.

    Raises:
        UserError: the folder is missing, empty or laid out otherwise, or overlaps with `target`; or
            it holds misfits, all of which are named; or a split would be empty.
    """
    key = f"data.datasets.{dataset}"
    where = f"{key}.folder: {printable(str(source))}"
    listing = _listed(source, target, key)
    paths = listing.images
    split = folder_layout.has_split_folders(paths, source, where)
    if split == (test_fraction is not None):
        raise UserError(
            f"{key}.test_fraction: found {test_fraction}; allowed: the share of the images to test "
            f"on, and null where {printable(str(source))} has {TRAIN}/ and {TEST}/"
        )
    classes = folder_layout.class_names([Path(*path.parts[split:]) for path in paths], where)
    names, labels = _labels(classes)
    rng = np.random.default_rng([seed, 1])  # another stream than prepare's
    tested = np.array([split and path.parts[0] == TEST for path in paths])
    if test_fraction is not None:
        try:
            tested[stratified_split(labels, test_fraction, rng)[0]] = True
        except ValueError as error:
            raise UserError(f"{key}.test_fraction: {error}") from None
    with files.atomic_directory(target) as folder:
        whole, shape = folder / "all", (extractor.channels, extractor.size, extractor.size)
        read, counts, sha256 = pack_images(source, paths, tested, extractor, whole, seed, key)
        paths, tested = [paths[i] for i in read], tested[read]
        names, labels = _labels([classes[i] for i in read])
        emptied = folder_layout.class_folders(listing.folders, split) - folder_layout.class_folders(
            paths, split
        )
        if emptied:
            warn(f"{where}: no image is read of {format_examples(sorted(emptied))}")
        _check_split(names, labels, tested, where, drawn=not split)
        if copies := _copies(sha256, labels, tested):
            warn(f"{where}: {copies}")
        write_splits(folder, whole, shape, counts, labels, tested, rng)
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
    """Return the names of the classes, in order, and of each image the place of its own there."""
    names, labels = np.unique(classes, return_inverse=True)
    return names.tolist(), labels.astype(np.uint8)


def _listed(source: Path, target: Path, key: str) -> Listing:
    """Return what lies in a folder, which is not to be replaced; warn of what is left out."""
    if not os.path.isdir(source):  # noqa: PTH112 - Path's raises on some names
        raise UserError(
            f"{key}.folder: found {str(source)!r}, which is not a folder (looked for "
            f"{printable(str(source.absolute()))})"
        )
    there, here = source.resolve(), target.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise UserError(
            f"{key}.folder: found {printable(str(source))}; allowed: a folder outside of {target}, "
            "which is replaced, and not around it"
        )
    listing, where = list_images(source), f"{key}.folder: {printable(str(source))}"
    losses = listing.describe_skipped()
    if not listing.images:
        found = f"; left out are {losses}" * bool(losses)
        raise UserError(f"{where} holds no image file ({', '.join(IMAGE_EXTENSIONS)}){found}")
    if losses:
        warn(f"{where}: left out are {losses}")
    return listing


def _check_split(
    names: Sequence[str], labels: Bytes, tested: Bools, where: str, *, drawn: bool
) -> None:
    """Refuse a split of which a part, or a class to test on, has nothing to train on; warn of gaps.

    Where the split was drawn, a class of few images may lack some in a part: that is no mistake.
    """
    if tested.all() or not tested.any():
        raise UserError(f"{where}: none of its images is left to train on, or none to test on")
    untrained = [name for i, name in enumerate(names) if tested[labels == i].all()]
    untested = [name for i, name in enumerate(names) if not tested[labels == i].any()]
    if untrained and not drawn:
        raise UserError(
            f"{where}: {TEST}/ has images of {format_examples(untrained)}, and {TRAIN}/ has none: "
            f"move some there, or name the folder as in {TRAIN}/"
        )
    for missing, use in ((untrained, "train"), (untested, "test")):
        if missing:
            warn(f"{where}: no image is there to {use} on of {format_examples(missing)}")


def _copies(sha256: Sequence[str], labels: Bytes, tested: Bools) -> str:
    """Say how many images have copies, pixel for pixel, and where; nothing where none has."""
    images = pd.DataFrame({"sha256": sha256, "label": labels, "tested": tested})
    copies = images[images.duplicated("sha256", keep=False)]
    if copies.empty:
        return ""
    alike = copies.groupby("sha256")
    trained_on = (copies.tested & ~alike.tested.transform("all")).sum()
    contradictory = (alike.label.transform("nunique") > 1).sum()
    return (
        f"{len(copies)} of the {len(labels)} images have copies, pixel for pixel: {trained_on} of "
        f"the {tested.sum()} to test on among those to train on, {contradictory} in another class"
    )
