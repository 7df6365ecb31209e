"""Supported layouts of image folders, and errors for similar ones."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoencoders.datasets import folder_layout
from autoencoders.errors import UserError
from autoencoders.images.file_names import printable

HERE = Path("/pictures/birds")
WHERE = f"data.datasets.birds.folder: {HERE}"


def paths(folders: str) -> list[Path]:
    """Return two images in each of the folders, whose names are separated by spaces."""
    return [Path(folder, f"{i}.png") for folder in folders.split() for i in range(2)]


def split(folders: str) -> bool:
    return folder_layout.has_split_folders(paths(folders), HERE, WHERE)


def names(folders: Sequence[str]) -> list[str]:
    listed = [Path(folder, "0.png") for folder in folders]
    return folder_layout.class_names(listed, WHERE)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("crow robin", False),
        (".", False),
        ("train/crow train/robin test/crow test/robin", True),
        ("train test", True),
        ("train/crow test/crow", True),
        ("train_station test_tube", False),
        ("trainStation testTube", False),
    ],
)
def test_supported_layouts_give_no_warning(
    folders: str, expected: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert split(folders) == expected
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        ("Train Test", "Test/, Train/"),
        ("TRAIN/crow TRAIN/robin test/crow", "TRAIN/, test/"),
        ("train Train", "Train/, train/"),
        ("train/crow train/robin", "train/"),
        ("test", "test/"),
        ("val/crow", "val/"),
        ("train . ", "train/"),
        ("train/crow val/crow", "train/, val/"),
        ("training/0 testing/0", "testing/, training/"),
        ("train dev", "dev/, train/"),
        ("train evaluation", "evaluation/, train/"),
        ("training_set/crow test_set/crow", "test_set/, training_set/"),
        ("trainset testset", "testset/, trainset/"),
        ("train2017 val2017", "train2017/, val2017/"),
        ("birds-train birds-valid", "birds-train/, birds-valid/"),
        ("trainA trainB testA testB", "testA/, trainA/"),
        ("trainImages testImages", "testImages/, trainImages/"),
        ("BirdsTrain BirdsTest", "BirdsTest/, BirdsTrain/"),
        ("trn/crow tst/crow", "trn/, tst/"),
        ("trains tests", "tests/, trains/"),
        ("ｔｒａｉｎ ｔｅｓｔ", "ｔｅｓｔ/, ｔｒａｉｎ/"),  # full-width letters
        ("seg_train/seg_train/a seg_test/seg_test/a seg_pred", "seg_test/, seg_train/"),
        ("train val crow", "train/, val/"),
        ("train/crow train/robin extra", "train/"),
        ("birds/train/crow birds/val/crow", "train/, val/"),
        ("crow/train crow/test robin/train", "test/, train/"),
        ("train/train/crow test/test/crow", "test/, train/"),
    ],
)
def test_layouts_that_resemble_a_split_are_refused(folders: str, found: str) -> None:
    with pytest.raises(UserError) as caught:
        split(folders)
    message = str(caught.value)
    assert f"found {found}, which resembles a split; allowed: train/ and test/ in the" in message
    assert message.startswith("data.datasets.birds.folder: /pictures/birds: ")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("third", ["val", "unlabelled/a"])
def test_images_outside_of_the_split_are_refused(third: str) -> None:
    with pytest.raises(UserError, match=rf"found images in {third[:3]}.* only; .* into train/"):
        split(f"train test {third}")


@pytest.mark.parametrize(
    ("folders", "advice"),
    [
        ("b/train b/test", "train/ and test/ inside b/; .* them up, or set .* /pictures/birds/b"),
        ("a/b/train a/b/test", "inside a/b/; .* move them up, or set .* to /pictures/birds/a/b$"),
        ("b/crow b/robin", "crow, robin of b/; .* move them up, or set .* to /pictures/birds/b;"),
        ("train/b/crow train/b/robin test/b/crow", "crow, robin of b/; .* move them up; to use"),
    ],
)
def test_folders_that_are_nested_too_deep_are_refused(folders: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        split(folders)


@pytest.mark.parametrize(
    ("folders", "warning"),
    [
        ("bus car train", "used as a class, not as part of a split: train\n"),
        ("buses trains", "used as a class, not as part of a split: trains\n"),
        ("valid invalid", "used as a class, not as part of a split: valid\n"),
        (
            "animal/crow animal/robin plant/oak",
            "used as a class, with all folders inside: animal, plant\n",
        ),
    ],
)
def test_an_ambiguous_layout_gives_a_warning(
    folders: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not split(folders)
    assert warning in capsys.readouterr().err


# --- classes


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Grünspecht", "Grünspecht"),
        ("Gru\u0308nspecht", "Grünspecht"),  # as macOS writes it
        ("鴉", "鴉"),
        ("a\nb\tc", r"a\nb\tc"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),  # Latin-1
        ("Gr\udcc3\udcbcnspecht", "Grünspecht"),  # as Python reads it in an ASCII locale
        ("\ud800", r"\ud800"),  # possible on Windows
        ("\u2028", r"\u2028"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
    ],
)
def test_names_become_one_line_of_text(folder: str, name: str) -> None:
    assert unicodedata.normalize("NFC", printable(folder)) == name
    assert names([folder, "other"]) == [name, "other"]
    assert name.encode("utf-8").decode("utf-8") == name


@pytest.mark.parametrize("twins", [("café", "cafe\u0301"), (os.fsdecode(b"caf\xe9"), r"caf\xe9")])
def test_two_folders_with_the_same_printed_name_are_refused(twins: tuple[str, str]) -> None:
    with pytest.raises(
        UserError, match="look the same but differ in their characters: '"
    ) as caught:
        names(twins)
    assert str(caught.value).isascii()


def test_names_that_differ_in_case_are_two_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert names(["A", "a", "b"]) == ["A", "a", "b"]
    assert "A, a are two classes: their names differ in case only" in capsys.readouterr().err


def test_images_outside_of_class_folders_are_refused() -> None:
    with pytest.raises(UserError, match=r"in class folders and outside of them, such as 0\.png"):
        names(["crow", "."])


def test_a_label_is_one_byte() -> None:
    assert len(names([str(i) for i in range(256)])) == 256
    with pytest.raises(UserError, match="found 257 class folders; allowed: up to 256"):
        names([str(i) for i in range(257)])
