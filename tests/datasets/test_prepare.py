import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoencoders import files
from autoencoders.datasets import prepare, prepared, published, raw_files
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.errors import UserError

SPLITS = ("train", "validation", "test")
FEW: dict[str, Any] = {"train_images": 1, "test_images": 1, "seed": 0}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("raw") / "mnist", train_images=203, test_images=50)


@pytest.fixture
def own_raw(tmp_path: Path) -> Path:
    """A raw folder for one test, which may damage it."""
    return draw(tmp_path / "raw" / "mnist", train_images=40, test_images=20)


def draw(folder: Path, **numbers: Any) -> Path:
    published.fetch("mnist", "stand-in", folder, seed=0, mirror=None, **numbers)
    return folder


def test_metadata_describes_the_splits(tmp_path: Path, raw: Path) -> None:
    metadata = prepare.prepare(raw, tmp_path / "mnist", train_fraction=0.9, seed=0)
    assert prepared.load_metadata(tmp_path / "mnist") == metadata
    assert (metadata.dataset, metadata.source) == ("mnist", "stand-in")
    assert metadata.title == "MNIST"
    assert metadata.class_names == DATASETS["mnist"].class_names
    assert metadata.image_shape == (1, 28, 28)
    for name, described in metadata.splits.items():
        path = tmp_path / "mnist" / f"{name}_images.npy"
        assert described.images_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        labels = np.load(tmp_path / "mnist" / f"{name}_labels.npy")
        assert described.class_counts == tuple(np.bincount(labels, minlength=10))


def test_every_image_keeps_its_label_and_is_in_one_split(tmp_path: Path, raw: Path) -> None:
    prepare.prepare(raw, tmp_path / "mnist", train_fraction=0.7, seed=0)
    loaded = {name: prepared.load(tmp_path / "mnist", name) for name in SPLITS}
    arrays = raw_files.read_arrays(raw, raw_files.read_source(raw))

    def pairs(images: np.ndarray, labels: np.ndarray) -> list[tuple[bytes, int]]:
        return [(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)]

    both = pairs(*loaded["train"]) + pairs(*loaded["validation"])
    assert sorted(both) == sorted(pairs(arrays.train_images[:, None], arrays.train_labels))
    assert len(set(both)) == len(both)
    assert pairs(*loaded["test"]) == pairs(arrays.test_images[:, None], arrays.test_labels)


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 3, 1, 2)])
def test_rows_have_the_bytes_of_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, axes: tuple[int, ...]
) -> None:
    monkeypatch.setattr(raw_files, "CHUNK_BYTES", 100)  # two images at once
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 4), np.uint8).transpose(axes)
    rows = np.array([8, 0, 3, 3, 5])
    raw_files.write_rows(tmp_path / "ours.npy", images, rows)
    np.save(tmp_path / "numpys.npy", np.ascontiguousarray(images[rows]))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpys.npy").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this full disk")
def test_a_full_disk_is_an_error_and_does_not_kill_the_process() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        raw_files.write_rows(Path("/dev/full"), np.zeros((2, 28, 28), np.uint8), np.arange(2))


def test_colour_images_are_packed_unchanged(tmp_path: Path, mirror: Path) -> None:
    raw = tmp_path / "raw" / "cifar10"
    published.fetch("cifar10", "official", raw, mirror=str(mirror), **FEW)
    metadata = prepare.prepare(raw, tmp_path / "cifar10", 0.9, seed=0)
    assert metadata.image_shape == (3, 32, 32)
    assert metadata.splits["train"].n_images == 45
    images, labels = prepared.load(tmp_path / "cifar10", "test")
    assert images.shape == (10, 3, 32, 32)
    assert labels.tolist() == list(range(10))
    assert metadata.class_names[0] == "airplane"


@pytest.mark.parametrize("fraction", [0.9, 0.5, 1 / 3, 0.29])
@pytest.mark.parametrize("n", [1000, 997])
def test_each_class_has_its_share_and_the_total_is_exact(
    tmp_path: Path, own_raw: Path, fraction: float, n: int
) -> None:
    # Classes of very unequal sizes, from 1 image to hundreds.
    labels = np.random.default_rng(0).choice(10, n, p=np.arange(1, 11) ** 2 / 385)
    put(own_raw, raw_files.TRAIN_LABELS, labels.astype(np.uint8))
    put(own_raw, raw_files.TRAIN_IMAGES, np.zeros((n, 28, 28), np.uint8))
    metadata = prepare.prepare(own_raw, tmp_path / "mnist", fraction, seed=0)
    train = metadata.splits["train"]
    assert train.n_images == round(fraction * n)
    shares = np.array(train.class_counts) - fraction * np.bincount(labels, minlength=10)
    assert abs(shares).max() < 1


def put(raw: Path, name: str, array: np.ndarray) -> None:
    """Replace a raw file and its checksum in the record."""
    raw_files.write_idx(raw / name, array)
    info = raw_files.read_source(raw)
    entry = replace(info.files[name], sha256=files.digest(raw / name))
    record = replace(info, files={**info.files, name: entry})
    files.write_json(raw / "source.json", asdict(record))


def test_the_seed_decides_the_split(tmp_path: Path, raw: Path) -> None:
    a = prepare.prepare(raw, tmp_path / "a", 0.9, seed=0)
    assert prepare.prepare(raw, tmp_path / "b", 0.9, seed=0) == a
    c = prepare.prepare(raw, tmp_path / "c", 0.9, seed=1)
    assert c.sha256 != a.sha256
    assert c.splits["test"] == a.splits["test"]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("fraction", [0.0, 0.999, 1.0])
def test_an_empty_split_is_refused(tmp_path: Path, raw: Path, fraction: float) -> None:
    with pytest.raises(UserError, match=r"data\.train_fraction: .* leaves a split empty"):
        prepare.prepare(raw, tmp_path / "mnist", fraction, seed=0)
    assert not (tmp_path / "mnist").exists()


@pytest.mark.parametrize("name", raw_files.IDX_FILES)
@pytest.mark.parametrize("length", [-1, 5])
def test_the_error_of_a_truncated_raw_file_has_both_checksums(
    tmp_path: Path, own_raw: Path, name: str, length: int
) -> None:
    expected = hashlib.sha256((own_raw / name).read_bytes()).hexdigest()
    (own_raw / name).write_bytes((own_raw / name).read_bytes()[:length])
    found = hashlib.sha256((own_raw / name).read_bytes()).hexdigest()
    with pytest.raises(UserError, match=f"{name}.*{expected}.*{found}"):
        prepare.prepare(own_raw, tmp_path / "mnist", 0.9, seed=0)
    assert not (tmp_path / "mnist").exists()


def test_a_missing_raw_file_is_named(tmp_path: Path, own_raw: Path) -> None:
    (own_raw / raw_files.TEST_LABELS).unlink()
    with pytest.raises(UserError, match=f"{raw_files.TEST_LABELS} is missing"):
        prepare.prepare(own_raw, tmp_path / "mnist", 0.9, seed=0)
    with pytest.raises(UserError, match=r"nothing/source\.json is missing"):
        prepare.prepare(tmp_path / "nothing", tmp_path / "mnist", 0.9, seed=0)


def test_the_official_images_split_as_published(tmp_path: Path, official_mirror: str) -> None:
    raw = tmp_path / "raw" / "mnist"
    published.fetch("mnist", "official", raw, mirror=official_mirror, **FEW)
    metadata = prepare.prepare(raw, tmp_path / "mnist", 0.9, seed=0)
    assert [metadata.splits[name].n_images for name in SPLITS] == [54000, 6000, 10000]
    # The published counts of MNIST's test labels.
    counts = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert metadata.splits["test"].class_counts == counts
