"""The layout of a folder of images: its classes, and its split into training and test images.

A layout that only resembles a supported one is an error, because it would silently give wrong
classes.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable
from autoencoders.images.listing import format_examples

TRAIN, TEST = "train", "test"
VALIDATION = "validation"
ROLES = {
    **dict.fromkeys(("train", "training", "trains", "trn"), TRAIN),
    **dict.fromkeys(("test", "testing", "tests", "tst"), TEST),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), VALIDATION),
}
FILLERS = ("set", "sets", "data", "dataset", "split", "images", "image", "imgs", "img")
VALIDATION_ADVICE = f"validation images go into {TRAIN}/: the pipeline draws them from there"
SINGLE_CLASS = "image"  # the name of the class where there are no class folders
MAX_CLASSES = 256  # a label is one byte


def has_split_folders(paths: Sequence[Path], source: Path, where: str) -> bool:
    """Return whether the images, `paths` relative to `source`, lie in `train/` and `test/`.

    Raises:
        UserError: the layout only resembles a split, or class folders are nested too deep.
    """
    top_folders = {path.parts[0] for path in paths}
    if not {TRAIN, TEST} <= top_folders:
        _refuse_similar_layouts(paths, where, source)
        return False
    if others := sorted(top_folders - {TRAIN, TEST}):
        raise UserError(
            f"{where}: found images in {format_examples(others)}; allowed: images in {TRAIN}/ and "
            f"{TEST}/ only; move the others into one of the two ({VALIDATION_ADVICE}), or out of "
            "the folder"
        )
    inner = [Path(*path.parts[1:]) for path in paths]
    _refuse_similar_layouts(inner, f"{where}: in {TRAIN}/ and {TEST}/", None)
    return True


def class_names(paths: Sequence[Path], where: str) -> list[str]:
    """Return the printable class name of each image.

    Args:
        paths: the images, relative to the folder that contains the class folders.
        where: the start of each error message.

    Raises:
        UserError: some images lie outside of the class folders, there are too many classes, or two
            classes have the same name.
    """
    outside = [path for path in paths if len(path.parts) == 1]
    if len(outside) == len(paths):
        return [SINGLE_CLASS] * len(paths)
    if outside:
        raise UserError(
            f"{where}: found images in class folders and outside of them, such as "
            f"{format_examples(outside[:1])}; allowed: all images in class folders, or none; move "
            "the images"
        )
    folders = sorted({path.parts[0] for path in paths})
    if len(folders) > MAX_CLASSES:
        raise UserError(
            f"{where}: found {len(folders)} class folders; allowed: up to {MAX_CLASSES}; merge some"
        )
    for equal in _groups_by(_class_name, folders):
        raise UserError(
            f"{where}: found class folders whose names look the same but differ in their "
            f"characters: {' and '.join(map(ascii, equal))}; rename one, or move all its images "
            "into the other"
        )
    for equal in _groups_by(str.casefold, folders):
        warn(f"{where}: {format_examples(equal)} are two classes: their names differ in case only")
    return [_class_name(path.parts[0]) for path in paths]


def class_folders(paths: Iterable[Path], split: bool) -> set[str]:
    """Return the class folders of the paths; with a `split`, they lie in `train/` and `test/`."""
    depth = 2 if split else 1
    return {Path(*path.parts[:depth]).as_posix() for path in paths if len(path.parts) >= depth}


def _class_name(folder: str) -> str:
    """Return a folder's name in Unicode's form NFC, so that all systems give the same dataset."""
    return unicodedata.normalize("NFC", printable(folder))


def _groups_by(key: Callable[[str], str], names: Iterable[str]) -> list[list[str]]:
    """Return the groups of two or more names that have the same key."""
    groups = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _refuse_similar_layouts(paths: Sequence[Path], where: str, source: Path | None) -> None:
    """Raise a `UserError` for a layout that resembles a split or has class folders too deep.

    Args:
        paths: the images, relative to the folder that should contain the class folders.
        where: the start of each error message.
        source: that folder, for advice on a better one; None for the two folders of a split.
    """
    shared = Path(os.path.commonpath([path.parent for path in paths])).parts
    wrapper = "/".join(map(printable, shared))
    below = [path.parts[len(shared) :] for path in paths]
    folders = sorted({parts[0] for parts in below if len(parts) > 1})
    advice = "" if source is None else f", or set the folder to {printable(str(source / wrapper))}"
    if shared and folders == [TEST, TRAIN]:
        raise UserError(
            f"{where}: found {TRAIN}/ and {TEST}/ inside {wrapper}/; allowed: both directly in the "
            f"folder; move them up{advice}"
        )
    with_images = {parts[0] for parts in below if len(parts) == 2}
    subfolders: dict[str, set[str]] = defaultdict(set)  # of folders without images of their own
    for parts in below:
        if len(parts) > 2 and parts[0] not in with_images:
            subfolders[parts[0]].add(parts[1])
    single_role = [name for name in folders if _split_like([name])]
    nested_role = [name for name in single_role if name in subfolders]
    for names in (*([name] for name in shared), folders, *subfolders.values(), nested_role):
        if similar := _split_like(sorted(names)):
            raise UserError(
                f"{where}: found {format_examples([f'{name}/' for name in similar])}, which "
                f"resembles a split; allowed: {TRAIN}/ and {TEST}/ in the same folder, with these "
                "exact names, or class folders without them; rename or move the folders "
                f"({VALIDATION_ADVICE}), or set the folder to one of them and give a test_fraction"
            )
    if shared and all(len(parts) > 1 for parts in below):
        raise UserError(
            f"{where}: found all images in the folders {format_examples(folders)} of {wrapper}/; "
            f"allowed: class folders directly in the folder; to use these folders as classes, move "
            f"them up{advice}; to use one class, move the images up"
        )
    for classes, note in (
        (single_role, "not as part of a split"),
        (list(subfolders), "with all folders inside"),
    ):
        if classes:
            warn(f"{where}: used as a class, {note}: {format_examples(classes)}")


def _split_like(names: Sequence[str]) -> list[str]:
    """Return the folder names that together resemble the parts of a split."""
    groups: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)  # by the other words
    for name in names:
        if found := _role(name):
            role, other_words = found
            groups[other_words][name] = role
    for group in groups.values():
        if len(set(group.values())) > 1:
            return list(group)
    return list(names) if len(groups[()]) == len(names) else []


def _role(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the part of a split that a folder's name contains, and its other words; else None.

    `birds_train2`, `trainBirds` and `Birds-training-images` all give `("train", ("birds",))`.
    """
    plain = unicodedata.normalize("NFKC", name)  # full-width letters become ASCII
    spaced = re.sub("(?<=[a-z])(?=[A-Z])", " ", plain).casefold()
    words = [word for word in re.findall(r"[^\W\d_]+", spaced) if word not in FILLERS]
    for i, word in enumerate(words):
        for filler in ("", *FILLERS):
            if role := ROLES.get(word.removesuffix(filler)):
                return role, (*words[:i], *words[i + 1 :])
    return None
