"""People's own images: a folder of them, packed so that later stages never read it again."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoencoders import files
from autoencoders.data.stratification import stratified
from autoencoders.errors import UserError, warn
from autoencoders.images.listing import ENDINGS, Listing, list_images, shown
from autoencoders.images.names import printable
from autoencoders.keys import Bytes, Misfits
from autoencoders.sources import layout
from autoencoders.sources.cutting import Bools, Cutter, pack, write_parts
from autoencoders.sources.fetched import SourceInfo, write_record
from autoencoders.sources.layout import TEST, TRAIN


def fetch(
    dataset: str,
    source: Path,
    target: Path,
    *,
    title: str,
    size: int,
    channels: int,
    test_fraction: float | None,
    misfits: Misfits,
    seed: int,
    per_image: int | None = None,
    turned: bool = False,
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
        size: height and width of the images, in pixels; or of their patches.
        channels: 1 makes all images grey, 3 colour.
        test_fraction: share of the images to test on, the same in each class to within one image;
            None where `source` has `train/` and `test/`.
        misfits: what becomes of files that cannot be read or are of another size: `refuse` any of
            them, `skip` them with a warning, or `resize` those of another size (cut to the square
            in their middle, then resampled by Lanczos' filter) and refuse the unreadable.
        seed: decides which images of a class are tested on, how all are mixed, and where patches
            are.
        per_image: cut so many patches from each image to train on, at its own resolution, and a
            grid of them from each to test on; None takes whole images.
        turned: turn and mirror the patches to train on at random.

    Raises:
        UserError: the folder is missing, empty or laid out otherwise, or overlaps with `target`; or
            it holds misfits, all of which are named; or a split would be empty.
    """
    key = f"data.datasets.{dataset}"
    where = f"{key}.folder: {printable(str(source))}"
    _require_folder(source, target, key)
    listing = _list(source, key)
    paths = listing.images
    split = layout.is_split(paths, source, key)
    if split == (test_fraction is not None):
        raise UserError(
            f"{key}.test_fraction: found {test_fraction}; allowed: the share of the images to test "
            f"on, and null where {printable(str(source))} has {TRAIN}/ and {TEST}/"
        )
    classes = layout.class_names([Path(*path.parts[split:]) for path in paths], source, key)
    names = sorted(set(classes))
    rng = np.random.default_rng([seed, 1])  # another stream than prepare's
    if test_fraction is None:
        tested = np.array([path.parts[0] == TEST for path in paths])
    else:
        tested = _draw(_labels(classes, names), test_fraction, key, rng)
    cutter = Cutter(size, channels, misfits == "resize", per_image, turned)
    with files.atomic_directory(target) as folder:
        packed = pack(source, paths, tested, cutter, folder / "all.npy", seed, key, misfits)
        paths, classes = [paths[i] for i in packed.files], [classes[i] for i in packed.files]
        names, tested = sorted(set(classes)), tested[packed.files]
        labels = _labels(classes, names)
        emptied = layout.class_folders(listing.folders, split) - layout.class_folders(paths, split)
        if emptied:
            warn(f"{where}: no image is read of {shown(sorted(emptied))}")
        _check_split(names, labels, tested, where, drawn=not split)
        if copies := _copies(packed.sha256, labels, tested):
            warn(f"{where}: {copies}")
        write_parts(folder, packed, labels, tested, rng)
        info = SourceInfo(
            dataset=dataset,
            title=title,
            source="folder",
            format="npy",
            class_names=tuple(names),
            image_shape=(channels, size, size),
            per_image=per_image or 1,
        )
        return write_record(folder, info)


def _labels(classes: Sequence[str], names: Sequence[str]) -> Bytes:
    index = {name: label for label, name in enumerate(names)}
    return np.array([index[name] for name in classes], np.uint8)


def _require_folder(source: Path, target: Path, key: str) -> None:
    """Refuse what is no folder, and one that would be replaced by what is made of it."""
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


def _list(source: Path, key: str) -> Listing:
    """Return what lies in a folder; warn of what in it is left out."""
    where = f"{key}.folder: {printable(str(source))}"
    listing = list_images(source)
    losses = listing.losses()
    if not listing.images:
        found = f"; left out are {losses}" * bool(losses)
        raise UserError(f"{where} holds no image file ({', '.join(ENDINGS)}){found}")
    if losses:
        warn(f"{where}: left out are {losses}")
    return listing


def _draw(labels: Bytes, test_fraction: float, key: str, rng: np.random.Generator) -> Bools:
    """Return which images to test on, `(N,)`."""
    try:
        chosen, _ = stratified(labels, test_fraction, rng)
    except ValueError as error:
        raise UserError(f"{key}.test_fraction: {error}") from None
    tested = np.zeros(len(labels), bool)
    tested[chosen] = True
    return tested


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
            f"{where}: {TEST}/ has images of {shown(untrained)}, and {TRAIN}/ has none: move some "
            f"there, or name the folder as in {TRAIN}/"
        )
    for missing, use in ((untrained, "train"), (untested, "test")):
        if missing:
            warn(f"{where}: no image is there to {use} on of {shown(missing)}")


def _copies(sha256: Sequence[bytes], labels: Bytes, tested: Bools) -> str:
    """Say how many images have copies, pixel for pixel, and where; nothing where none has."""
    alike: dict[bytes, list[int]] = defaultdict(list)
    for i, digest in enumerate(sha256):
        alike[digest].append(i)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return ""
    copied = sum(map(len, groups))
    trained_on = sum(int(tested[group].sum()) for group in groups if not tested[group].all())
    contradictory = sum(len(group) for group in groups if len(set(labels[group])) > 1)
    return (
        f"{copied} of the {len(labels)} images have copies, pixel for pixel: {trained_on} of the "
        f"{tested.sum()} to test on among those to train on, {contradictory} in another class"
    )
