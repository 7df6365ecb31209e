from pathlib import Path

import numpy as np
import pytest

from autoencoders.datasets import prepare, prepared, published
from autoencoders.errors import UserError

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "mnist"
    published.fetch(
        "mnist", "stand-in", folder, train_images=203, test_images=50, seed=0, mirror=None
    )
    return folder


def test_prepare_then_load(tmp_path: Path, raw: Path) -> None:
    metadata = prepare.prepare(raw, tmp_path / "mnist", train_fraction=0.9, seed=0)
    assert [metadata.splits[name].n_images for name in SPLITS] == [183, 20, 50]
    images, labels = prepared.load(tmp_path / "mnist", "train")
    assert images.shape == (183, 1, 28, 28)
    assert labels.shape == (183,)
    assert images.dtype == labels.dtype == np.uint8
    assert isinstance(images, np.memmap)


def test_a_file_system_need_not_map_files(tmp_path: Path, raw: Path, unmappable: None) -> None:
    prepare.prepare(raw, tmp_path / "mnist", train_fraction=0.9, seed=0)
    images, _ = prepared.load(tmp_path / "mnist", "test")
    assert images.tobytes() == (tmp_path / "mnist" / "test_images.npy").read_bytes()[128:]


def test_the_error_of_a_missing_dataset_has_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fashion_mnist/metadata\.json is missing"):
        prepared.load(tmp_path / "fashion_mnist", "train")
    with pytest.raises(UserError, match=r"fashion_mnist/metadata\.json is missing"):
        prepared.load_metadata(tmp_path / "fashion_mnist")


def test_the_error_of_an_altered_file_has_both_checksums(tmp_path: Path, raw: Path) -> None:
    prepare.prepare(raw, tmp_path / "mnist", 0.9, seed=0)
    path = tmp_path / "mnist" / "train_images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    message = r"train_images\.npy.*expected SHA-256 \w+, found \w+"
    with pytest.raises(UserError, match=message):
        prepared.load(tmp_path / "mnist", "train")
    prepared.load(tmp_path / "mnist", "test")


@pytest.mark.parametrize("content", ["", "[]", '{"splits": {}}', '{"splits": {"train": {}}}'])
def test_the_error_of_unreadable_metadata_has_the_file(
    tmp_path: Path, raw: Path, content: str
) -> None:
    prepare.prepare(raw, tmp_path / "mnist", 0.9, seed=0)
    (tmp_path / "mnist" / "metadata.json").write_text(content)
    with pytest.raises(UserError, match=r"metadata\.json is unreadable"):
        prepared.load_metadata(tmp_path / "mnist")
