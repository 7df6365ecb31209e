import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoencoders.errors import UserError
from autoencoders.sources.idx import read_idx, write_idx

IMAGES = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8)


@pytest.mark.parametrize("array", [IMAGES, np.array([7, 2, 1], np.uint8)], ids=["images", "labels"])
def test_what_was_written_is_read(tmp_path: Path, array: np.ndarray) -> None:
    write_idx(tmp_path / "a.gz", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), array)
    assert read_idx(tmp_path / "a.gz").dtype == np.uint8


def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    write_idx(tmp_path / "images.gz", IMAGES)
    write_idx(tmp_path / "labels.gz", np.array([7, 2, 1], np.uint8))
    for name in ("images", "labels"):
        (tmp_path / name).write_bytes(gzip.decompress((tmp_path / f"{name}.gz").read_bytes()))
    np.testing.assert_array_equal(read_image_file(str(tmp_path / "images")).numpy(), IMAGES)
    assert read_label_file(str(tmp_path / "labels")).tolist() == [7, 2, 1]


def test_the_same_array_gives_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", IMAGES)
    write_idx(tmp_path / "b.gz", IMAGES)
    content = (tmp_path / "a.gz").read_bytes()
    assert content == (tmp_path / "b.gz").read_bytes()
    assert content[3] == 0, "flags of RFC 1952: no file name"
    assert content[4:8] == bytes(4), "no time"


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def _shorten(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content)[:-1])


def _cut_header(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content)[:9])


def _html(content: bytes) -> bytes:
    return b"<html>log in to the hotel's network</html>"


def _packed_html(content: bytes) -> bytes:
    return gzip.compress(_html(content))


@pytest.mark.parametrize("damage", [_cut, _flip, _shorten, _cut_header, _html, _packed_html])
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    write_idx(path, IMAGES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"^\S*train-images-idx3-ubyte\.gz is .*fetch it again$"):
        read_idx(path)
