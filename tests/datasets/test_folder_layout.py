"""How folders of images may be laid out, and what is nearly so."""

import os
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
def test_what_is_known(folders: str, expected: bool, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_what_is_nearly_a_split_is_refused_by_name(folders: str, found: str) -> None:
    with pytest.raises(UserError) as caught:
        split(folders)
    said = str(caught.value)
    assert f"found {found}, nearly a split; allowed: train/ and test/ beside each other" in said
    assert said.startswith("data.datasets.birds.folder: /pictures/birds: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("third", ["val", "unlabelled/a"])
def test_what_lies_beside_a_split_is_refused(third: str) -> None:
    with pytest.raises(UserError, match=rf"and, beside them, images in {third[:3]}.* into train/"):
        split(f"train test {third}")


@pytest.mark.parametrize(
    ("folders", "advice"),
    [
        ("b/train b/test", "train/ and test/ lie in b/: move them up, or set .* /pictures/birds/b"),
        ("a/b/train a/b/test", "lie in a/b/: move them up, or set .* to /pictures/birds/a/b$"),
        ("b/crow b/robin", "crow, robin of b/: .* move them up, or set .* to /pictures/birds/b;"),
        ("train/b/crow train/b/robin test/b/crow", "crow, robin of b/: .* move them up; for one"),
    ],
)
def test_what_lies_a_folder_too_deep_is_refused(folders: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        split(folders)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ("bus car train", "train is taken for a class, no part of a split"),
        ("buses trains", "trains is taken for a class, no part of a split"),
        ("valid invalid", "valid is taken for a class, no part of a split"),
        ("animal/crow animal/robin plant/oak", "animal, plant is taken for a class, whatever"),
    ],
)
def test_what_may_be_meant_otherwise_is_said(
    folders: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not split(folders)
    assert said in capsys.readouterr().err


# --- classes


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Grünspecht", "Grünspecht"),
        ("Gru\u0308nspecht", "Grünspecht"),  # as macOS writes it
        ("鴉", "鴉"),
        ("a\nb\tc", r"a\nb\tc"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),  # Latin-1
        ("Gr\udcc3\udcbcnspecht", "Grünspecht"),  # as Python reads it where all is ASCII
        ("\ud800", r"\ud800"),  # as Windows may have it
        ("\u2028", r"\u2028"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
    ],
)
def test_names_become_one_line_of_text(folder: str, name: str) -> None:
    assert printable(folder) == name
    assert names([folder, "other"]) == [name, "other"]
    assert name.encode("utf-8").decode("utf-8") == name


@pytest.mark.parametrize("twins", [("café", "cafe\u0301"), (os.fsdecode(b"caf\xe9"), r"caf\xe9")])
def test_two_folders_of_one_name_are_refused(twins: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="of one name, written with other characters: '") as caught:
        names(twins)
    assert str(caught.value).isascii()


def test_names_that_differ_in_case_are_two_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert names(["A", "a", "b"]) == ["A", "a", "b"]
    assert "A, a are taken for two classes" in capsys.readouterr().err


def test_images_beside_class_folders_are_refused() -> None:
    with pytest.raises(UserError, match=r"in class folders and beside them, such as 0\.png"):
        names(["crow", "."])


def test_a_label_is_one_byte() -> None:
    assert len(names([str(i) for i in range(256)])) == 256
    with pytest.raises(UserError, match="has 257 class folders; allowed: up to 256"):
        names([str(i) for i in range(257)])
