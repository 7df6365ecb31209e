"""User folders of images with unsupported layouts or unreadable files."""

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.bad.pictures import draw, picture, pictures
from tests.faults.case import Case, Change
from tests.faults.changes import all_of, linked, nothing, put, written

KEY = "data.datasets.pets"
PETS = {"folder": "pets", "side": 28, "channels": 1, "test_fraction": 0.25}
CLASSES = all_of(pictures("pets/cat"), pictures("pets/dog"))

_case = partial(Case, "folders")


def _pets(
    name: str, bad: Change, *says: str, lines: int = 1, shell: bool = False, **own: Any
) -> Case:
    """Return a case where the folder `pets` is refused; `own` is its part of params.yaml."""
    settings = put("data.datasets", {"pets": PETS | own})
    command = "autoencoders fetch pets" if shell else "fetch pets"
    return _case(name, command, all_of(settings, bad), says, lines=lines, shell=shell)


def _warned(
    name: str, bad: Change, *says: str, lines: int = 1, shell: bool = False, **own: Any
) -> Case:
    """Return a case where a folder is read, with a warning about skipped files."""
    bad = all_of(put("data.datasets", {"pets": PETS | own}), bad)
    command = "autoencoders fetch pets" if shell else "fetch pets"
    return _case(name, command, bad, says, goes_on=True, lines=lines, shell=shell)


def _split(*names: str) -> Change:
    return all_of(*(pictures(f"pets/{name}/{c}", 4) for name in names for c in ("cat", "dog")))


def _many_classes(world: Path) -> None:
    for i in range(257):
        draw(world / "pets" / f"class {i}" / f"{i}.png", (4, 4))


def _name_of_bytes(world: Path) -> None:
    draw(world / "pets" / "cat" / "caf\udce9.png", (9, 28))


def _doubles(world: Path) -> None:
    for path in [*(world / "pets").glob("*/*.png")]:
        shutil.copy(path, path.with_stem(f"copy of {path.stem}"))


def _renamed(path: str) -> Change:
    """Draw a PNG and give it another ending."""
    png = f"{path}.png"

    def change(world: Path) -> None:
        draw(world / png)
        (world / png).replace(world / path)

    return change


PLACES = (
    _pets("no such folder", nothing, f"{KEY}.folder", "pets"),
    _pets("a file", written("pets", "x"), f"{KEY}.folder", "not a folder"),
    _pets(
        "an archive",
        written("pets.zip", b"PK\3\4"),
        KEY,
        "pets.zip",
        folder="pets.zip",
    ),
    _pets("a broken link", linked("pets", "gone"), f"{KEY}.folder", "pets"),
    _pets("the home of an unknown user", nothing, KEY, "~nobody-here", folder="~nobody-here/pets"),
    _pets("a NUL byte in the name", nothing, KEY, folder="pe\0ts"),
    _pets("a name of 300 letters", nothing, KEY, folder="p" * 300),
    _pets(
        "the output folder of fetch",
        *(pictures("data/raw/pets"), f"{KEY}.folder", "data/raw/pets"),
        folder="data/raw/pets",
    ),
    _pets("the repository", CLASSES, f"{KEY}.folder", "data/raw/pets", folder="."),
    _pets("the root of the disk", nothing, f"{KEY}.folder", "data/raw/pets", folder="/"),
    _pets("a folder of Windows", nothing, KEY, "Users", folder="C:\\Users\\me\\pets"),
    _pets("a web address", nothing, KEY, "https:", folder="https://example.org/pets.zip"),
    _pets("a variable of the shell", nothing, KEY, "$HOME", folder="$HOME/pets"),
    _pets("a space after the name", CLASSES, KEY, "pets '", folder="pets "),
    _pets("a table of file names", written("pets.csv", "a.png,0"), KEY, folder="pets.csv"),
    _pets(
        "a tar archive",
        written("pets.tar.gz", b"\x1f\x8b"),
        KEY,
        "not a folder",
        folder="pets.tar.gz",
    ),
)

LAYOUTS = (
    _pets("an empty folder", lambda world: (world / "pets").mkdir(), "pets", "no image"),
    _pets("pictures with an unsupported extension", written("pets/a.heic", "x"), "pets", ".heic"),
    _pets(
        "pictures outside of class folders",
        all_of(CLASSES, picture("pets/a.png")),
        "a.png",
        "class folders",
    ),
    _pets("train/ alone", _split("train"), "pets", "train", "test"),
    _pets("train/ and val/", _split("train", "val"), "pets", "train", "val"),
    _pets("Train/ and Test/", _split("Train", "Test"), "pets", "Train", "Test"),
    _pets("training/ and testing/", _split("training", "testing"), "pets", "training", "testing"),
    _pets(
        "train/, test/ and val/", _split("train", "test", "val"), "pets", "val", test_fraction=None
    ),
    _pets("train/ and test/ and a test_fraction", _split("train", "test"), f"{KEY}.test_fraction"),
    _pets(
        "train/ and test/ in a subfolder", _split("all/train", "all/test"), "pets", "train", "test"
    ),
    _pets("no test_fraction and no test/", CLASSES, f"{KEY}.test_fraction", test_fraction=None),
    _pets("257 class folders", _many_classes, "257", "256", side=4),
    _pets(
        "class folders with one name in two Unicode forms",
        all_of(pictures("pets/caf\u00e9"), pictures("pets/cafe\u0301")),
        *(KEY, "cafe\\u0301", "rename"),
    ),
    _pets(
        "pictures beside train/ and test/",
        all_of(_split("train", "test"), pictures("pets/new")),
        *(KEY, "new", "move"),
        test_fraction=None,
    ),
    _pets(
        "a class that is only in test/",
        all_of(_split("train", "test"), pictures("pets/test/eel")),
        *(KEY, "eel", "train/"),
        test_fraction=None,
    ),
    _pets(
        "class folders inside of a folder",
        all_of(pictures("pets/all/cat"), pictures("pets/all/dog")),
        *(KEY, "all", "pets/all"),
    ),
    _pets("hidden pictures only", pictures("pets/.thumbnails"), KEY, "no image"),
    _pets("videos", written("pets/a.mp4", "x"), KEY, ".mp4"),
    _pets("files without an extension", written("pets/a", "x"), KEY, "without extension"),
)

COUNTS = (
    _pets(
        "no readable picture",
        all_of(written("pets/cat/a.png", "x"), written("pets/dog/b.png", "x")),
        *(KEY, "empty|no image"),
        misfits="skip",
    ),
    _pets(
        "pictures smaller than a patch",
        *(CLASSES, f"{KEY}.misfits", "28×28"),
        side=None,
        patches={"side": 64, "per_image": 2},
        lines=17,
    ),
    _pets("one picture", picture("pets/a.png"), f"{KEY}.test_fraction|pets"),
    _pets("pictures larger than any memory", CLASSES, KEY, "side|memory", side=10**6),
    _pets(
        *("two pictures of another size", all_of(CLASSES, picture("pets/cat/w.png", (9, 28)))),
        *("w.png", "9×28", f"{KEY}.misfits"),
        lines=2,
    ),
    _pets(
        *("a name of two lines", all_of(CLASSES, picture("pets/cat/a\nb.png", (9, 28)))),
        *("b.png", f"{KEY}.misfits"),
        lines=2,
    ),
    _pets(
        *("a name that is not UTF-8", all_of(CLASSES, _name_of_bytes), f"{KEY}.misfits", "9×28"),
        lines=2,
        shell=True,
    ),
)

LEFT_OUT = (
    _warned(
        "a folder without permission",
        all_of(CLASSES, pictures("pets/eel"), lambda world: (world / "pets/eel").chmod(0)),
        "eel",
        shell=True,
    ),
    _warned(
        "a broken link to a picture", all_of(CLASSES, linked("pets/cat/a.png", "b.png")), "a.png"
    ),
    _warned("a link back to the top", all_of(CLASSES, linked("pets/cat/all", "..")), "pets"),
    _warned(
        "two links back to the top",
        all_of(CLASSES, linked("pets/cat/a", ".."), linked("pets/dog/b", "..")),
        "pets",
        "2",
        shell=True,
    ),
    _warned(
        "three pictures with an unsupported extension",
        all_of(CLASSES, *(written(f"pets/cat/{i}.heic", "x") for i in range(3))),
        "3",
        ".heic",
    ),
    _warned("the same pictures twice", all_of(CLASSES, _doubles), "identical"),
    _warned(
        "an unreadable picture among good ones",
        all_of(CLASSES, written("pets/cat/a.png", "x")),
        *("a.png", "left out|skip"),
        misfits="skip",
    ),
    _warned(
        "an empty class folder",
        all_of(CLASSES, lambda world: (world / "pets/eel").mkdir()),
        *("eel", "no image"),
    ),
    _warned(
        "class folders that differ in case",
        all_of(CLASSES, pictures("pets/Cat")),
        *("Cat", "differ in case"),
    ),
    _warned(
        "previews of Windows",
        all_of(CLASSES, written("pets/cat/Thumbs.db", "x")),
        *("Thumbs.db|.db", "1"),
    ),
    _warned(
        "the folder that macOS adds to archives",
        all_of(CLASSES, pictures("pets/__MACOSX")),
        *("__MACOSX", "system folders"),
    ),
    _warned(
        "an interrupted download",
        all_of(CLASSES, written("pets/cat/a.png.crdownload", "x")),
        ".crdownload",
    ),
    _warned(
        "a pipe among pictures",
        all_of(CLASSES, lambda world: os.mkfifo(world / "pets/cat/a.png")),
        *("a.png", "neither files nor folders"),
    ),
    _warned(
        "hidden files of macOS",
        all_of(CLASSES, written("pets/cat/._a.png", "x"), written("pets/.DS_Store", "x")),
        lines=0,
    ),
    _warned(
        "endings in capitals, and of another format",
        all_of(CLASSES, _renamed("pets/cat/a.PNG"), _renamed("pets/dog/b.jpg")),
        lines=0,
    ),
    _warned(
        "rare endings of JPEG",
        all_of(CLASSES, picture("pets/cat/a.jfif"), picture("pets/dog/b.jpe")),
        lines=0,
    ),
)

CASES = (*PLACES, *LAYOUTS, *COUNTS, *LEFT_OUT)
