"""People's own images: a folder of them, packed so that later stages never read it again."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from autoencoders import files
from autoencoders.data.stratification import stratified
from autoencoders.errors import UserError
from autoencoders.keys import Bytes, Misfits
from autoencoders.sources.fetched import Arrays, SourceInfo, write_arrays, write_record

Bools = npt.NDArray[np.bool_]

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
MODES = {1: "L", 3: "RGB"}
TRAIN, TEST = "train", "test"
UNNAMED = "image"  # the one class of images that lie in no class folders
MOST_CLASSES = 256  # a label is one byte


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
) -> SourceInfo:
    """Pack a folder of images into four arrays and a record of them, `source.json`, as one folder.

    Images lie in class folders or, all of one class, in none. Where these lie in `train/` and
    `test/`, that is the split. Files that start with a dot and those without an image's ending are
    not looked at. The others come in the order of their paths, mixed by the seed alone.

    Args:
        dataset: its name in `data.datasets`.
        source: the folder; nothing is written in it.
        target: the folder to write; it is replaced as a whole, or left as it was.
        title: of the dataset, in figures and tables.
        size: height and width of the images, in pixels.
        channels: 1 makes all images grey, 3 colour.
        test_fraction: share of the images to test on, the same in each class to within one image;
            None where `source` has `train/` and `test/`.
        misfits: what becomes of files that cannot be read or are of another size: `refuse` any of
            them, `skip` them with a warning, or `resize` those of another size (cut to the square
            in their middle, then resampled by Lanczos' filter) and refuse the unreadable.
        seed: decides which images of a class are tested on, and how all are mixed.

    Raises:
        UserError: the folder is missing, empty or laid out otherwise; or it holds misfits, all of
            which are named; or a split would be empty.
    """
    key = f"data.datasets.{dataset}"
    listed = _list(source, key)
    split = _is_split(source, listed)
    if split == (test_fraction is not None):
        raise UserError(
            f"{key}.test_fraction: found {test_fraction}; allowed: the share of the images to test "
            f"on, and null where {source} has {TRAIN}/ and {TEST}/"
        )
    images, kept = _read(source, listed, key, size, channels, misfits)
    names, labels = _classes([Path(*path.parts[split:]) for path in kept], source)
    rng = np.random.default_rng([seed, 1])  # another stream than prepare's
    if test_fraction is None:
        tested = np.array([path.parts[0] == TEST for path in kept])
    else:
        tested = _draw(labels, test_fraction, key, rng)
    if tested.all() or not tested.any():
        raise UserError(f"{source}: none of its images is left to train on, or none to test on")
    # Figures show the first images of a split: let these be of all classes.
    order = rng.permutation(len(kept))
    train, test = order[~tested[order]], order[tested[order]]
    with files.atomic_directory(target) as folder:
        arrays = Arrays(images[train], labels[train], images[test], labels[test])
        write_arrays(folder, "npy", arrays)
        return write_record(
            folder,
            dataset=dataset,
            title=title,
            source="folder",
            format="npy",
            class_names=names,
            image_shape=(channels, size, size),
        )


def _list(source: Path, key: str) -> list[Path]:
    """Return the paths of all image files under `source`, relative to it, in a fixed order."""
    if not source.is_dir():
        raise UserError(
            f"{key}.folder: found {str(source)!r}, which is not a folder (looked for "
            f"{source.absolute()})"
        )
    found = [
        Path(folder, name).relative_to(source)
        for folder, _, names in os.walk(source, followlinks=True)
        for name in names
        if name.lower().endswith(ENDINGS)
    ]
    seen = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    if not seen:
        raise UserError(f"{key}.folder: {source} holds no image file ({', '.join(ENDINGS)})")
    return sorted(seen, key=Path.as_posix)


def _is_split(source: Path, paths: Sequence[Path]) -> bool:
    """Return whether the images lie in `train/` and `test/`."""
    places = {path.parts[0] for path in paths}
    others = sorted(places - {TRAIN, TEST})
    if {TRAIN, TEST} <= places and others:
        raise UserError(
            f"{source} has {TRAIN}/ and {TEST}/ and, beside them, images in {', '.join(others)}: "
            "move these into one of the two, or out of the folder"
        )
    return {TRAIN, TEST} <= places


def _read(
    source: Path, paths: Sequence[Path], key: str, size: int, channels: int, misfits: Misfits
) -> tuple[Bytes, list[Path]]:
    """Return the images that fit, `(N, C, size, size)`, and their paths."""
    images = np.empty((len(paths), channels, size, size), np.uint8)
    kept: list[Path] = []
    complaints = []
    for path in paths:
        pixels = _pixels(source / path, size, channels, resize=misfits == "resize")
        if isinstance(pixels, str):
            complaints.append(f"{source / path}: {pixels}")
        else:
            images[len(kept)] = pixels
            kept.append(path)
    if complaints:
        _settle(complaints, len(kept), key, size, misfits)
    return images[: len(kept)], kept


def _pixels(path: Path, size: int, channels: int, resize: bool) -> Bytes | str:
    """Return an image, `(C, size, size)`, or what is wrong with its file."""
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert(MODES[channels])
    except Exception:  # a decoder may raise anything on a damaged file
        return "cannot be read as an image"
    if resize:
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    if image.size != (size, size):
        return f"{image.width}×{image.height} pixels"
    return np.asarray(image).reshape(size, size, channels).transpose(2, 0, 1)


def _settle(complaints: list[str], kept: int, key: str, size: int, misfits: Misfits) -> None:
    """Warn of the files that are skipped, or refuse them all."""
    if misfits == "skip" and kept:
        for complaint in complaints:
            print(f"warning: skipped {complaint}", file=sys.stderr)
        return
    advice = "remove these files" if misfits == "resize" else f"set {key}.misfits to skip or resize"
    counted = f"{len(complaints)} of {len(complaints) + kept} files are not {size}×{size} images"
    raise UserError("\n".join([*complaints, f"{key}: {counted}; {advice}, or change {key}.size"]))


def _classes(paths: Sequence[Path], source: Path) -> tuple[tuple[str, ...], Bytes]:
    """Return the names of the classes and each image's label, `(N,)`."""
    named = [path.parts[0] if len(path.parts) > 1 else UNNAMED for path in paths]
    if len({len(path.parts) > 1 for path in paths}) > 1:
        beside = next(path for path in paths if len(path.parts) == 1)
        raise UserError(
            f"{source} holds images both in class folders and beside them, such as {beside.name}: "
            "move all into class folders, or all out of them"
        )
    names = sorted(set(named))
    if len(names) > MOST_CLASSES:
        raise UserError(f"{source} has {len(names)} class folders; allowed: up to {MOST_CLASSES}")
    index = {name: label for label, name in enumerate(names)}
    return tuple(names), np.array([index[name] for name in named], np.uint8)


def _draw(labels: Bytes, test_fraction: float, key: str, rng: np.random.Generator) -> Bools:
    """Return which images to test on, `(N,)`."""
    try:
        chosen, _ = stratified(labels, test_fraction, rng)
    except ValueError as error:
        raise UserError(f"{key}.test_fraction: {error}") from None
    tested = np.zeros(len(labels), bool)
    tested[chosen] = True
    return tested
