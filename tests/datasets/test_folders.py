"""User datasets: valid folders of images, and folders with errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoencoders.datasets import folders, prepare, raw_files
from autoencoders.datasets.image_files import ImageExtractor
from autoencoders.errors import UserError
from autoencoders.images.output_paths import FORMAT_OF_EXTENSION
from autoencoders.images.picture import Picture, to_depth, to_opaque_planes
from autoencoders.images.reading import read_image
from autoencoders.images.writing import encode_image
from autoencoders.param_types import Misfits


def fetch(
    source: Path, target: Path, channels: int = 3, misfits: Misfits = "refuse", **changes: Any
) -> raw_files.SourceInfo:
    settings: dict[str, Any] = {"title": "My pets", "test_fraction": 0.25, "seed": 0} | changes
    extractor = ImageExtractor(8, channels, misfits)
    return folders.fetch("pets", source, target, extractor=extractor, **settings)


def pack(source: Path, target: Path, **changes: Any) -> raw_files.Arrays:
    return raw_files.read_arrays(target, fetch(source, target, **changes))


def draw(path: Path, number: int, size: tuple[int, int] = (8, 8)) -> None:
    """Write a picture whose bytes are all `number`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number, number, number)).save(path)


def numbers(images: np.ndarray) -> list[int]:
    """Return the number that fills each picture."""
    return [int(image.reshape(-1)[0]) for image in images]


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Four cats, 0 to 3, and eight dogs, 100 to 107, in class folders."""
    for i in range(4):
        draw(tmp_path / "pets" / "cat" / f"{i}.png", i)
    for i in range(8):
        draw(tmp_path / "pets" / "dog" / f"{i}.png", 100 + i)
    return tmp_path / "pets"


def test_class_folders_are_classes_and_each_has_its_share_of_test_images(
    tmp_path: Path, pets: Path
) -> None:
    info = fetch(pets, tmp_path / "raw")
    assert (info.dataset, info.title, info.source) == ("pets", "My pets", "folder")
    assert info.class_names == ("cat", "dog")
    assert info.image_shape == (3, 8, 8)
    assert raw_files.read_source(tmp_path / "raw") == info
    arrays = raw_files.read_arrays(tmp_path / "raw", info)
    assert np.bincount(arrays.test_labels).tolist() == [1, 2]
    assert arrays.train_images.shape == (9, 3, 8, 8)
    shown = numbers(arrays.train_images) + numbers(arrays.test_images)
    assert sorted(shown) == [*range(4), *range(100, 108)]
    labels = [*arrays.train_labels, *arrays.test_labels]
    assert [number >= 100 for number in shown] == [label == 1 for label in labels]


def test_a_file_system_need_not_map_files(
    tmp_path: Path, pets: Path, request: pytest.FixtureRequest
) -> None:
    mapped = pack(pets, tmp_path / "mapped")
    request.getfixturevalue("unmappable")
    read = pack(pets, tmp_path / "read")
    assert [array.tobytes() for array in read] == [array.tobytes() for array in mapped]


def test_train_and_test_folders_are_the_split(tmp_path: Path, pets: Path) -> None:
    shutil.move(pets, tmp_path / "split" / "train")
    draw(tmp_path / "split" / "test" / "dog" / "new.png", 200)
    arrays = pack(tmp_path / "split", tmp_path / "raw", test_fraction=None)
    assert len(arrays.train_images) == 12
    assert (numbers(arrays.test_images), arrays.test_labels.tolist()) == ([200], [1])


def test_a_flat_folder_is_one_class(tmp_path: Path) -> None:
    for i in range(8):
        draw(tmp_path / "flat" / f"{i}.png", i)
    info = fetch(tmp_path / "flat", tmp_path / "raw")
    assert info.class_names == ("image",)
    assert raw_files.read_arrays(tmp_path / "raw", info).train_labels.tolist() == [0] * 6


def test_flat_train_and_test_folders(tmp_path: Path) -> None:
    for i in range(3):
        draw(tmp_path / "flat" / "train" / f"{i}.png", i)
    draw(tmp_path / "flat" / "test" / "9.png", 9)
    arrays = pack(tmp_path / "flat", tmp_path / "raw", test_fraction=None)
    assert sorted(numbers(arrays.train_images)) == [0, 1, 2]
    assert numbers(arrays.test_images) == [9]


def test_the_first_images_are_from_all_classes(tmp_path: Path) -> None:
    for i in range(200):
        draw(tmp_path / "split" / ("train", "test")[i % 2] / f"class {i // 20}" / f"{i}.png", i)
    arrays = pack(tmp_path / "split", tmp_path / "raw", test_fraction=None)
    for labels in (arrays.train_labels, arrays.test_labels):
        assert len(np.unique(labels[:30])) > 5


def test_order_and_split_depend_on_names_and_seed_but_not_on_the_file_system(
    tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(pets, tmp_path / "a")
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda place: listed(place)[::-1])
    fetch(pets, tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    tested = {tuple(numbers(pack(pets, tmp_path / "c", seed=s).test_images)) for s in range(5)}
    assert len(tested) > 1


def test_colour_is_converted_to_grey_if_the_params_say_so(tmp_path: Path) -> None:
    for name, colour in (("a", (255, 0, 0)), ("b", (0, 255, 0)), ("c", (0, 0, 255))):
        (tmp_path / "own").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(tmp_path / "own" / f"{name}.png")
    arrays = pack(tmp_path / "own", tmp_path / "raw", channels=1, test_fraction=0.34)
    assert arrays.train_images.shape == (2, 1, 8, 8)
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue.
    both = numbers(arrays.train_images) + numbers(arrays.test_images)
    assert sorted(both) == [29, 76, 150]


def test_a_name_that_is_not_utf_8_is_accepted(tmp_path: Path, pets: Path) -> None:
    draw(pets / "cat" / os.fsdecode(b"caf\xe9.png"), 9)
    arrays = pack(pets, tmp_path / "raw")
    assert 9 in numbers(arrays.train_images) + numbers(arrays.test_images)


@pytest.mark.slow
def test_names_of_any_letters_and_bytes_are_read_in_an_ascii_locale(tmp_path: Path) -> None:
    for number, name in enumerate((b"a", "é".encode(), b"\xe9")):
        draw(tmp_path / "café" / os.fsdecode(name + b".png"), number)
    script = (
        "from autoencoders import paths; from autoencoders.images.listing import list_images; "
        "print(len(list_images(paths.resolve_user_path('caf\\xe9')).images))"
    )
    ascii_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    printed = subprocess.check_output(
        [sys.executable, "-c", script], env=os.environ | ascii_locale | {"DVC_ROOT": str(tmp_path)}
    )
    assert printed == b"3\n"


def test_channels_keep_their_places(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    for i, image in enumerate(pixels):
        (tmp_path / "own" / ("train", "test")[i]).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / "own" / ("train", "test")[i] / "a.png")
    arrays = pack(tmp_path / "own", tmp_path / "raw", test_fraction=None)
    np.testing.assert_array_equal(arrays.train_images[0], pixels[0].transpose(2, 0, 1))


def test_training_images_are_the_encoder_inputs_of_encode_rounded_to_bytes(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 2**16, (3, 20, 30), np.uint16)
    alpha = np.random.default_rng(1).integers(0, 2**16, (1, 20, 30), np.uint16)
    (tmp_path / "own").mkdir()
    for name, rows in (("a.png", slice(0, 10)), ("b.tif", slice(10, 20))):
        part = Picture(colours[:, rows], alpha[:, rows], depth=16)
        kind = FORMAT_OF_EXTENSION[Path(name).suffix]
        (tmp_path / "own" / name).write_bytes(encode_image(part, kind, "a test"))
    settings = {"channels": 1, "misfits": "resize", "test_fraction": 0.5}
    arrays = pack(tmp_path / "own", tmp_path / "raw", **settings)
    packed = {image.tobytes() for image in (*arrays.train_images, *arrays.test_images)}
    files = [read_image(tmp_path / "own" / name) for name in ("a.png", "b.tif")]
    inputs = [to_depth(to_opaque_planes(file, 1, (8, 8)), 8).tobytes() for file in files]
    assert packed == set(inputs)


# --- misfits


@pytest.fixture
def untidy(pets: Path) -> Path:
    draw(pets / "cat" / "wide.png", 50, size=(16, 8))
    (pets / "dog" / "torn.png").write_bytes((pets / "dog" / "0.png").read_bytes()[:40])
    return pets


def test_all_misfits_are_listed_at_once_with_advice(tmp_path: Path, untidy: Path) -> None:
    with pytest.raises(UserError) as caught:
        fetch(untidy, tmp_path / "raw")
    assert str(caught.value).splitlines() == [
        f"{untidy}/cat/wide.png: 16×8 pixels",
        f"{untidy}/dog/torn.png: cannot be read as an image (damaged, or in a format that "
        "Pillow does not support here; save it as PNG)",
        "data.datasets.pets: 2 of 14 files are not 8×8 images; "
        "set data.datasets.pets.misfits to skip or resize, or change data.datasets.pets.side",
    ]
    assert not (tmp_path / "raw").exists()


def test_misfits_are_skipped_with_a_warning_if_the_params_say_so(
    tmp_path: Path, untidy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = pack(untidy, tmp_path / "raw", misfits="skip")
    assert len(arrays.train_images) + len(arrays.test_images) == 12
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["warning"] * 2
    assert "wide.png: 16×8 pixels" in lines[0]


def test_other_sizes_are_resized_if_the_params_say_so(tmp_path: Path, pets: Path) -> None:
    wide = Image.new("RGB", (48, 16), (0, 0, 0))
    wide.paste((200, 200, 200), (8, 0, 40, 16))  # covers the central square, 16 to 32
    wide.save(pets / "cat" / "wide.png")
    arrays = pack(pets, tmp_path / "raw", misfits="resize")
    images = np.concatenate([arrays.train_images, arrays.test_images])
    assert len(images) == 13
    (resized,) = images[images[:, 0, 0, 0] == 200]
    assert (resized == 200).all()


def test_a_file_that_cannot_be_read_cannot_be_resized(tmp_path: Path, untidy: Path) -> None:
    with pytest.raises(UserError, match=r"torn\.png.*\n.*1 of 14 files.*remove these files"):
        fetch(untidy, tmp_path / "raw", misfits="resize")


def test_hidden_files_are_ignored(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pets / "._0.png").write_bytes(b"left by another system")
    (pets / ".cache").mkdir()
    (pets / ".cache" / "0.png").write_bytes(b"no image")
    assert fetch(pets, tmp_path / "raw").class_names == ("cat", "dog")
    assert capsys.readouterr().err == ""


# --- warnings


def warnings(capsys: pytest.CaptureFixture[str], source: Path) -> list[str]:
    """Return the warnings about a folder, without their common prefix."""
    start = f"warning: data.datasets.pets.folder: {source}: "
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith(start) for line in lines), lines
    return [line.removeprefix(start) for line in lines]


def test_skipped_files_are_counted(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("photo.HEIC", "photo.heic", "README"):
        (pets / "cat" / name).write_text("no image that we read", "utf-8")
    (pets / "notes").mkdir()
    (pets / "cat" / "again").symlink_to(pets)
    (pets / "cat" / "lost.png").symlink_to("nowhere")
    draw(pets / "__MACOSX" / "cat" / "0.png", 0)
    fetch(pets, tmp_path / "raw")
    assert warnings(capsys, pets) == [
        "skipped: system folders: 1 (__MACOSX); "
        "links to listed files or folders: 1 (cat/again); broken links: 1 (cat/lost.png); "
        "files with other extensions: 3 (2 .heic, 1 without extension)",
        "no image was read from notes",
    ]


def test_all_formats_that_pillow_opens_are_packed(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for grey, extension in enumerate(("jfif", "jpe", "jp2", "J2K", "qoi", "TGA", "ico", "pbm")):
        image = Image.new("RGB", (8, 8), (205 + 5 * grey,) * 3)
        image.save(pets / "cat" / f"x.{extension}")
    arrays = pack(pets, tmp_path / "raw", channels=1)
    found = numbers(arrays.train_images) + numbers(arrays.test_images)
    assert sorted(grey for grey in found if grey >= 205) == list(range(205, 245, 5))
    assert capsys.readouterr().err == ""


def test_a_class_with_misfits_only_gives_a_warning(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(pets / "bird" / "wide.png", 0, size=(16, 8))
    assert fetch(pets, tmp_path / "raw", misfits="skip").class_names == ("cat", "dog")
    assert "no image was read from bird\n" in capsys.readouterr().err


def test_only_the_first_frame_is_read_with_a_warning(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (Image.new("RGB", (8, 8), (grey,) * 3) for grey in (200, 201))
    first.save(pets / "cat" / "moving.gif", save_all=True, append_images=[second])
    arrays = pack(pets, tmp_path / "raw")
    assert 200 in numbers(arrays.train_images) + numbers(arrays.test_images)
    assert warnings(capsys, pets) == [
        "only the first frame or page was read from files with several: 1 (cat/moving.gif)"
    ]


def test_copies_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own"
    for name, numbers in (("train/a", (1, 2, 3, 5)), ("train/b", (2, 6)), ("test/b", (3, 4))):
        for i in numbers:
            draw(own / name / f"{i}.png", i)
    for copy in ("train/a/another 5.png", "test/b/another 4.png"):
        shutil.copy(own / copy.replace("another ", ""), own / copy)
    fetch(own, tmp_path / "raw", test_fraction=None)
    about_copies = [warning for warning in warnings(capsys, own) if "copies" in warning]
    assert about_copies == [
        "images with identical copies: 8 of 10; test images that are also in the training "
        "set: 1 of 3; images that are also in another class: 4"
    ]


def test_classes_that_are_missing_in_a_split(
    tmp_path: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(pets, tmp_path / "split" / "train")
    draw(tmp_path / "split" / "test" / "dog" / "new.png", 200)
    fetch(tmp_path / "split", tmp_path / "raw", test_fraction=None)
    assert warnings(capsys, tmp_path / "split") == ["the test set has no image of cat"]
    draw(tmp_path / "split" / "test" / "Cat" / "new.png", 201)
    with pytest.raises(UserError, match="test/ has images of Cat, and train/ has none"):
        fetch(tmp_path / "split", tmp_path / "raw", test_fraction=None)


# --- errors


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.datasets\.pets\.folder: found '.*nowhere'"):
        fetch(tmp_path / "nowhere", tmp_path / "raw")


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "photo.heic").write_bytes(b"")
    with pytest.raises(UserError, match=r"no image file .*: 1 \(1 \.heic\)\); allowed: images"):
        fetch(tmp_path / "own", tmp_path / "raw")


@pytest.mark.parametrize("target", ["pets", "pets/packed", "."])
def test_a_source_folder_is_never_replaced_by_its_dataset(
    tmp_path: Path, pets: Path, target: str
) -> None:
    before = sorted(pets.rglob("*"))
    with pytest.raises(UserError, match=r"pets\.folder: found .*; allowed: a folder that neither"):
        fetch(pets, tmp_path / target)
    assert sorted(pets.rglob("*")) == before


def test_a_test_fraction_is_required_exactly_if_there_is_no_split(
    tmp_path: Path, pets: Path
) -> None:
    with pytest.raises(UserError, match=r"pets\.test_fraction: found null; allowed: a share"):
        fetch(pets, tmp_path / "raw", test_fraction=None)
    shutil.copytree(pets, tmp_path / "split" / "train")
    shutil.copytree(pets, tmp_path / "split" / "test")
    with pytest.raises(UserError, match=r"pets\.test_fraction: found 0\.25; allowed: null, b"):
        fetch(tmp_path / "split", tmp_path / "raw")


def test_a_test_fraction_without_test_images_is_refused(tmp_path: Path, pets: Path) -> None:
    with pytest.raises(
        UserError, match=r"test_fraction: found 0\.01, .* a split empty \(images: 12\)"
    ):
        fetch(pets, tmp_path / "raw", test_fraction=0.01)


# --- later stages


def test_later_stages_do_not_need_the_folder(tmp_path: Path, pets: Path) -> None:
    fetch(pets, tmp_path / "raw" / "pets")
    shutil.rmtree(pets)
    metadata = prepare.prepare(tmp_path / "raw" / "pets", tmp_path / "pets_prepared", 0.8, seed=0)
    assert (metadata.title, metadata.source) == ("My pets", "folder")
    assert metadata.class_names == ("cat", "dog")
    assert [part.n_images for part in metadata.splits.values()] == [7, 2, 3]
