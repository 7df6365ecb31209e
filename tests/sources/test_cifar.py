import pickle
from pathlib import Path

import numpy as np
import pytest

from autoencoders.errors import UserError
from autoencoders.sources.cifar import ARCHIVE, read_batches
from tests.sources.archives import pickled, write_cifar

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 3072), np.uint8)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    batches = {
        "data_batch_1": pickled(IMAGES[:3], [3, 0, 9]),
        "data_batch_2": pickled(IMAGES[3:], [5]),
    }
    write_cifar(tmp_path / ARCHIVE, batches)
    return tmp_path / ARCHIVE


def test_batches_are_read_one_after_another(archive: Path) -> None:
    images, labels = read_batches(archive, ("data_batch_1", "data_batch_2"))
    assert images.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES.reshape(4, 3, 32, 32))
    assert labels.tolist() == [3, 0, 9, 5]


def test_torchvision_reads_the_same_from_such_a_pickle(archive: Path) -> None:
    # As torchvision.datasets.CIFAR10 does, with an unpickler that may call anything.
    entry = pickle.loads(pickled(IMAGES, [1, 2, 3, 4]), encoding="latin1")
    np.testing.assert_array_equal(entry["data"], IMAGES)
    assert entry["labels"] == [1, 2, 3, 4]


def test_a_pickle_that_calls_anything_else_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("called",)

    write_cifar(tmp_path / ARCHIVE, {"test_batch": pickle.dumps(Evil(), protocol=2)})
    with pytest.raises(UserError, match=r"not CIFAR-10 as published: it asks for \w+\.print"):
        read_batches(tmp_path / ARCHIVE, ("test_batch",))


def test_an_archive_that_lacks_a_batch_is_refused(archive: Path) -> None:
    with pytest.raises(UserError, match="test_batch"):
        read_batches(archive, ("test_batch",))


def test_a_file_that_is_no_archive_is_refused(archive: Path) -> None:
    whole = archive.read_bytes()
    middle = len(whole) // 2
    torn = whole[:middle] + bytes(99) + whole[middle + 99 :]  # zlib finds this out, not tarfile
    for content in (b"", b"<html>", whole[:middle], torn):
        archive.write_bytes(content)
        with pytest.raises(UserError, match=r"^[^\n]*not CIFAR-10 as published: [^\n]*$"):
            read_batches(archive, ("data_batch_1", "data_batch_2"))
