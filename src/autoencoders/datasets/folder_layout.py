"""What a folder of images says by how it is laid out: its classes, and what to test on.

A layout that is nearly one of those known is refused by name: read as another one, it would give
wrong classes without a word.
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
VALIDATE = f"what is to be validated on, into {TRAIN}/: the pipeline draws it from there"
UNNAMED = "image"  # the one class of images that lie in no class folders
MOST_CLASSES = 256  # a label is one byte


def has_split_folders(paths: Sequence[Path], source: Path, where: str) -> bool:
    """Return whether the images, `paths` relative to `source`, lie in `train/` and `test/`.

    Raises:
        UserError: they lie in something like that, or in class folders that lie otherwise.
    """
    places = {path.parts[0] for path in paths}
    if not {TRAIN, TEST} <= places:
        _refuse_nearly_known(paths, where, source)
        return False
    if others := sorted(places - {TRAIN, TEST}):
        raise UserError(
            f"{where} has {TRAIN}/ and {TEST}/ and, beside them, images in "
            f"{format_examples(others)}: move them into one of the two ({VALIDATE}), or out of the "
            "folder"
        )
    inner = [Path(*path.parts[1:]) for path in paths]
    _refuse_nearly_known(inner, f"{where}: what is in {TRAIN}/ and {TEST}/", None)
    return True


def class_names(paths: Sequence[Path], where: str) -> list[str]:
    """Return the name of each image's class, fit for figures.

    Args:
        paths: of the images, below `train/` and `test/` where these are the split.
        where: what to begin a complaint with.

    Raises:
        UserError: there are images beside class folders, too many classes, or two of one name.
    """
    beside = [path for path in paths if len(path.parts) == 1]
    if len(beside) == len(paths):
        return [UNNAMED] * len(paths)
    if beside:
        raise UserError(
            f"{where} holds images both in class folders and beside them, such as "
            f"{format_examples(beside[:1])}: move all into class folders, or all out of them"
        )
    folders = sorted({path.parts[0] for path in paths})
    if len(folders) > MOST_CLASSES:
        raise UserError(f"{where} has {len(folders)} class folders; allowed: up to {MOST_CLASSES}")
    for alike in _alike(folders, printable):
        raise UserError(
            f"{where} has class folders of one name, written with other characters: "
            f"{' and '.join(map(ascii, alike))}: rename one, or move all its images into the other"
        )
    for alike in _alike(folders, str.casefold):
        warn(f"{where}: {format_examples(alike)} are taken for two classes")
    return [printable(path.parts[0]) for path in paths]


def class_folders(paths: Iterable[Path], split: bool) -> set[str]:
    """Return the class folders, below `train/` and `test/` where these are the split, of paths."""
    depth = 2 if split else 1
    return {Path(*path.parts[:depth]).as_posix() for path in paths if len(path.parts) >= depth}


def _alike(names: Iterable[str], seen_as: Callable[[str], str]) -> list[list[str]]:
    """Return the groups of two or more names that are seen as the same."""
    groups = defaultdict(list)
    for name in names:
        groups[seen_as(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _refuse_nearly_known(paths: Sequence[Path], where: str, source: Path | None) -> None:
    """Raise a `UserError` where images lie in something like a split, or in folders too deep.

    Args:
        paths: of the images, relative to the folder that holds the classes if all is well.
        where: what to begin a complaint with.
        source: that folder, to name one in it that might be meant; None where there are two.
    """
    shared = Path(os.path.commonpath([path.parent for path in paths])).parts
    wrapper = "/".join(map(printable, shared))
    below = [path.parts[len(shared) :] for path in paths]
    folders = sorted({parts[0] for parts in below if len(parts) > 1})
    meant = "" if source is None else f", or set the folder to {printable(str(source / wrapper))}"
    if shared and folders == [TEST, TRAIN]:
        raise UserError(f"{where}: {TRAIN}/ and {TEST}/ lie in {wrapper}/: move them up{meant}")
    shallow = {parts[0] for parts in below if len(parts) == 2}
    inside: dict[str, set[str]] = defaultdict(set)  # of each whose images all lie in its folders
    for parts in below:
        if len(parts) > 2 and parts[0] not in shallow:
            inside[parts[0]].add(parts[1])
    lone = [name for name in folders if _like_split([name])]
    deep = [name for name in lone if name in inside]
    for names in (*([name] for name in shared), folders, *inside.values(), deep):
        if alike := _like_split(sorted(names)):
            raise UserError(
                f"{where}: found {format_examples([f'{name}/' for name in alike])}, nearly a "
                f"split; allowed: {TRAIN}/ and {TEST}/ beside each other, written so, or class "
                f"folders without them; rename or move the folders ({VALIDATE}), or set "
                "the folder to one of them, with a test_fraction"
            )
    if shared and all(len(parts) > 1 for parts in below):
        raise UserError(
            f"{where}: all images lie in the folders {format_examples(folders)} of {wrapper}/: "
            f"for these as classes, move them up{meant}; for one class, move the images up"
        )
    for taken, what in ((lone, "no part of a split"), (list(inside), "whatever folders are in it")):
        if taken:
            warn(f"{where}: {format_examples(taken)} is taken for a class, {what}")


def _like_split(names: Sequence[str]) -> list[str]:
    """Return those of some folders' names that, beside each other, are like a split's."""
    alike: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)  # by what else they say
    for name in names:
        if found := _role(name):
            role, rest = found
            alike[rest][name] = role
    for group in alike.values():
        if len(set(group.values())) > 1:
            return list(group)
    return list(names) if len(alike[()]) == len(names) else []


def _role(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Return a folder's part in a split and what else its name says, or None where it has none.

    `birds_train2`, `trainBirds` and `Birds-training-images` are all for training, and of birds.
    """
    plain = unicodedata.normalize("NFKC", name)  # full-width letters are letters
    spaced = re.sub("(?<=[a-z])(?=[A-Z])", " ", plain).casefold()
    words = [word for word in re.findall(r"[^\W\d_]+", spaced) if word not in FILLERS]
    for place, word in enumerate(words):
        for filler in ("", *FILLERS):
            if role := ROLES.get(word.removesuffix(filler)):
                return role, (*words[:place], *words[place + 1 :])
    return None
