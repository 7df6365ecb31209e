import hashlib
import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from autoencoders import files
from autoencoders.datasets import official, raw_files
from autoencoders.datasets.published import RequestedSource, fetch
from autoencoders.datasets.raw_files import SourceInfo
from autoencoders.datasets.stand_ins import generate
from autoencoders.errors import UserError
from tests.datasets.conftest import write_cifar10

BATCHES = tuple(f"data_batch_{n}" for n in range(1, 6))


def fetch_few(
    dataset: str, source: RequestedSource, target: Path, mirror: str | None = None, **changes: Any
) -> SourceInfo:
    numbers: dict[str, Any] = {"train_images": 60, "test_images": 30, "seed": 0} | changes
    return fetch(dataset, source, target, mirror=mirror, **numbers)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_stand_ins_have_the_official_format(tmp_path: Path) -> None:
    info = fetch_few("mnist", "stand-in", tmp_path / "raw" / "mnist")
    assert info.source == "stand-in"
    arrays = raw_files.read_arrays(tmp_path / "raw" / "mnist", info)
    drawn = (*generate("mnist", "train", 60, seed=0), *generate("mnist", "test", 30, seed=0))
    for found, expected in zip(arrays, drawn, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.uint8


def test_colour_stand_ins_have_cifar10s_shape_and_classes(tmp_path: Path) -> None:
    info = fetch_few("cifar10", "stand-in", tmp_path / "cifar10")
    arrays = raw_files.read_arrays(tmp_path / "cifar10", info)
    assert arrays.train_images.shape == (60, 3, 32, 32)
    assert np.bincount(arrays.test_labels).tolist() == [3] * 10
    assert (info.image_shape, len(info.class_names)) == ((3, 32, 32), 10)


def test_cifar10_stays_the_published_archive(tmp_path: Path, mirror: Path) -> None:
    info = fetch_few("cifar10", "official", tmp_path / "cifar10", str(mirror))
    archive = "cifar-10-python.tar.gz"
    assert list(info.files) == [archive]
    published = (mirror / "cifar-10" / archive).read_bytes()
    assert (tmp_path / "cifar10" / archive).read_bytes() == published
    arrays = raw_files.read_arrays(tmp_path / "cifar10", info)
    assert (arrays.train_images.shape, arrays.test_images.shape) == (
        (50, 3, 32, 32),
        (10, 3, 32, 32),
    )
    with tarfile.open(mirror / "cifar-10" / archive) as tar:
        member = tar.extractfile("cifar-10-batches-py/test_batch")
        assert member is not None
        batch = pickle.load(member)
    np.testing.assert_array_equal(arrays.test_images.reshape(10, -1), batch["data"])
    assert arrays.test_labels.tolist() == batch["labels"]


def test_unpublished_pickles_are_not_opened(
    tmp_path: Path, mirror: Path, publish: Callable[..., None]
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "called",)

    target = tmp_path / "cifar10"
    info = fetch_few("cifar10", "official", target, str(mirror))
    published = CIFAR10.tgz_md5
    write_cifar10(
        target / CIFAR10.filename,
        {name: Evil() for name in ("batches.meta", "test_batch", *BATCHES)},
        publish,
    )
    publish("cifar10", tgz_md5=published)
    entry = replace(info.files[CIFAR10.filename], sha256=files.digest(target / CIFAR10.filename))
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz is not the published file"):
        raw_files.read_arrays(target, replace(info, files={CIFAR10.filename: entry}))
    assert not (tmp_path / "called").exists()


def test_the_record_describes_each_file(tmp_path: Path, mirror: Path) -> None:
    fetch_few("fashion_mnist", "official", tmp_path / "raw", str(mirror))
    record = json.loads((tmp_path / "raw" / "source.json").read_text())
    assert (record["dataset"], record["source"]) == ("fashion_mnist", "official")
    assert list(record["files"]) == sorted(raw_files.IDX_FILES)
    for name, entry in record["files"].items():
        raw = (tmp_path / "raw" / name).read_bytes()
        assert entry["bytes"] == len(raw)
        assert entry["sha256"] == hashlib.sha256(raw).hexdigest()
        assert entry["md5"] == hashlib.md5(raw).hexdigest()


def test_the_record_is_read_back(tmp_path: Path) -> None:
    info = fetch_few("mnist", "stand-in", tmp_path / "mnist")
    assert raw_files.read_source(tmp_path / "mnist") == info


def test_the_same_files_from_another_mirror_give_the_same_folder(
    tmp_path: Path, mirror: Path
) -> None:
    shutil.copytree(mirror, tmp_path / "elsewhere")
    fetch_few("mnist", "auto", tmp_path / "a", str(mirror))
    fetch_few("mnist", "official", tmp_path / "b", str(tmp_path / "elsewhere"))
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_the_folder_depends_on_the_seed(tmp_path: Path) -> None:
    fetch_few("mnist", "stand-in", tmp_path / "a")
    fetch_few("mnist", "stand-in", tmp_path / "b")
    fetch_few("mnist", "stand-in", tmp_path / "c", seed=1)
    a, b, c = content(tmp_path / "a"), content(tmp_path / "b"), content(tmp_path / "c")
    assert a == b
    assert a[raw_files.TRAIN_IMAGES] != c[raw_files.TRAIN_IMAGES]
    assert a[raw_files.TEST_IMAGES] != c[raw_files.TEST_IMAGES]


def test_test_images_do_not_depend_on_the_number_of_training_images(tmp_path: Path) -> None:
    fetch_few("mnist", "stand-in", tmp_path / "a")
    fetch_few("mnist", "stand-in", tmp_path / "b", train_images=20)
    assert (
        content(tmp_path / "a")[raw_files.TEST_IMAGES]
        == content(tmp_path / "b")[raw_files.TEST_IMAGES]
    )


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_no_test_image_is_in_the_training_set(tmp_path: Path, dataset: str) -> None:
    fetch_few(dataset, "stand-in", tmp_path / "raw", train_images=1000, test_images=1000)
    arrays = raw_files.read_arrays(tmp_path / "raw", raw_files.read_source(tmp_path / "raw"))
    images = [*arrays.train_images, *arrays.test_images]
    assert len({image.tobytes() for image in images}) == 2000


def test_auto_prefers_the_official_files(
    tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_few("mnist", "auto", tmp_path / "raw", str(mirror)).source == "official"
    assert "STAND-IN" not in capsys.readouterr().err


def test_the_log_has_no_password_of_a_mirror(
    tmp_path: Path,
    mirror: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def download(dataset: str, target: Path, _: str | None) -> str:
        original(dataset, target, str(mirror))
        return "https://me:secret@name.invalid/mnist/"

    original = official.download
    monkeypatch.setattr(official, "download", download)
    fetch_few("mnist", "official", tmp_path / "raw")
    stderr = capsys.readouterr().err
    assert "name.invalid/mnist/" in stderr
    assert "secret" not in stderr


def test_auto_uses_stand_ins_with_a_banner_if_no_mirror_is_reachable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_few("fashion_mnist", "auto", tmp_path / "raw").source == "stand-in"
    stdout, stderr = capsys.readouterr()
    for words in ("STAND-IN DATA", "DATASET_MIRROR", "dvc repro -f -s fetch@fashion_mnist"):
        assert words in stderr
    assert stderr.replace("\n", "").isprintable(), "no colours, no carriage returns"
    assert stdout == ""


def test_requested_stand_ins_need_no_banner_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(official, "download", refuse)
    fetch_few("mnist", "stand-in", tmp_path / "raw")
    assert capsys.readouterr().err == ""


def test_the_error_without_a_mirror_gives_advice(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"DATASET_MIRROR.*auto"):
        fetch_few("mnist", "official", tmp_path / "raw" / "mnist")
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.parametrize("source", ["official", "auto"])
def test_a_corrupt_download_is_never_replaced_by_stand_ins(
    tmp_path: Path, mirror: Path, source: RequestedSource
) -> None:
    fetch_few("mnist", "stand-in", tmp_path / "raw" / "mnist")
    before = content(tmp_path / "raw" / "mnist")
    (mirror / "mnist" / raw_files.TRAIN_LABELS).write_bytes(b"<html>")
    with pytest.raises(UserError, match=f"{raw_files.TRAIN_LABELS}.*expected MD5"):
        fetch_few("mnist", source, tmp_path / "raw" / "mnist", str(mirror))
    assert content(tmp_path / "raw" / "mnist") == before, "the earlier folder is unchanged"
    assert len(list((tmp_path / "raw").iterdir())) == 1


@pytest.mark.parametrize("record", ["", '{"dataset": "mn', "[]", '{"image_shape": [1, 2, 3]}'])
def test_the_error_of_an_unreadable_record_has_the_file(tmp_path: Path, record: str) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "source.json").write_text(record)
    with pytest.raises(UserError, match=r"source\.json is unreadable"):
        raw_files.read_source(tmp_path / "mnist")


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_official_files_pass_their_checksums(
    tmp_path: Path, official_mirror: str, dataset: str
) -> None:
    info = fetch_few(dataset, "official", tmp_path / "raw", official_mirror)
    assert info.source == "official"
    arrays = raw_files.read_arrays(tmp_path / "raw", info)
    assert arrays.train_images.shape == (60000, 28, 28)
    assert arrays.test_labels.shape == (10000,)
