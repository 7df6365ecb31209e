import re
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoencoders.datasets import official, raw_files
from autoencoders.datasets.official import Unreachable, download
from autoencoders.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("dataset", "folder"), [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")]
)
def test_from_a_folder(tmp_path: Path, mirror: Path, dataset: str, folder: str) -> None:
    assert download(dataset, tmp_path / "raw", str(mirror)) == f"{(mirror / folder).as_uri()}/"
    assert names(tmp_path / "raw") == sorted(raw_files.IDX_FILES)
    for name in raw_files.IDX_FILES:
        assert (tmp_path / "raw" / name).read_bytes() == (mirror / folder / name).read_bytes()


def test_cifar10_is_one_archive(tmp_path: Path, served: str) -> None:
    assert download("cifar10", tmp_path / "raw", served) == f"{served}/cifar-10/"
    assert names(tmp_path / "raw") == ["cifar-10-python.tar.gz"]


def test_an_altered_archive_is_an_error(tmp_path: Path, mirror: Path) -> None:
    with (mirror / "cifar-10" / "cifar-10-python.tar.gz").open("ab") as archive:
        archive.write(b"!")
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz.*expected MD5 \w+, found \w+"):
        download("cifar10", tmp_path / "raw", str(mirror))


def test_from_a_file_url(tmp_path: Path, mirror: Path) -> None:
    download("mnist", tmp_path / "raw", mirror.as_uri())
    assert names(tmp_path / "raw") == sorted(raw_files.IDX_FILES)


@pytest.mark.parametrize("ending", ["", "/"])
def test_from_a_url(tmp_path: Path, served: str, ending: str) -> None:
    assert download("mnist", tmp_path / "raw", served + ending) == f"{served}/mnist/"
    assert names(tmp_path / "raw") == sorted(raw_files.IDX_FILES)


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_torchvision_lists_the_files_that_are_read(dataset: str) -> None:
    assert tuple(name for name, _ in official.published_files(dataset)[1]) == raw_files.IDX_FILES


def test_without_a_user_mirror_the_official_mirror_is_used(
    tmp_path: Path, served: str, publish: Callable[..., None]
) -> None:
    publish("mnist", mirrors=[f"{served}/mnist/"])
    assert download("mnist", tmp_path / "raw", None) == f"{served}/mnist/"


def test_a_dead_mirror_is_skipped_with_a_warning(
    tmp_path: Path,
    served: str,
    publish: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish("mnist", mirrors=[f"{served}/mnist/"])
    assert download("mnist", tmp_path / "raw", f"{served}/elsewhere") == f"{served}/mnist/"
    assert re.search(r"warning: .*/elsewhere/mnist/: HTTP Error 404", capsys.readouterr().err)


def test_a_folder_without_the_dataset_is_skipped_with_a_warning(
    tmp_path: Path,
    mirror: Path,
    served: str,
    publish: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish("fashion_mnist", mirrors=[f"{served}/fashion-mnist/"])
    (tmp_path / "partial" / "mnist").mkdir(parents=True)
    download("fashion_mnist", tmp_path / "raw", str(tmp_path / "partial"))
    assert "partial/fashion-mnist" in capsys.readouterr().err


def test_no_progress_bar_without_a_terminal(
    tmp_path: Path, served: str, capsys: pytest.CaptureFixture[str]
) -> None:
    download("mnist", tmp_path / "raw", served)
    assert capsys.readouterr() == ("", "")


def test_a_progress_bar_on_a_terminal(
    tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    download("mnist", tmp_path / "raw", served)
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert re.search(rf"{raw_files.TRAIN_IMAGES}: 100%", stderr)


def test_from_a_proxy(
    tmp_path: Path, mirror: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A request to a proxy contains the full URL; this server reads it as a path in its folder.
    (mirror / "http:").mkdir()
    (mirror / "http:" / "name.invalid").symlink_to(mirror)
    monkeypatch.setenv("http_proxy", served)
    assert (
        download("mnist", tmp_path / "raw", "http://name.invalid") == "http://name.invalid/mnist/"
    )


def test_a_folder_that_does_not_exist_is_a_user_error(tmp_path: Path) -> None:
    for folder in (str(tmp_path / "no-such-folder"), "~nobody-of-this-name/no-such-folder"):
        with pytest.raises(UserError, match=r"DATASET_MIRROR: found .*no-such-folder.*allowed"):
            download("mnist", tmp_path / "raw", folder)


def _rename(mirror: Path) -> None:
    (mirror / "mnist").rename(mirror / "MNIST")


def _put_a_file(mirror: Path) -> None:
    _rename(mirror)
    (mirror / "mnist").touch()


def _put_a_folder(mirror: Path) -> None:
    (mirror / "mnist" / raw_files.TRAIN_IMAGES).unlink()
    (mirror / "mnist" / raw_files.TRAIN_IMAGES).mkdir()


def _put_a_loop(mirror: Path) -> None:
    _rename(mirror)
    (mirror / "mnist").symlink_to("mnist")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_rename, "No such file or directory"),
        (_put_a_file, "Not a directory"),
        (_put_a_folder, "Is a directory"),
        (_put_a_loop, "Too many levels of symbolic links"),
    ],
)
def test_an_unusable_mirror_folder_is_listed_with_the_reason(
    tmp_path: Path, mirror: Path, change: Callable[[Path], None], reason: str
) -> None:
    change(mirror)
    with pytest.raises(Unreachable, match=rf"{reason}\S* '\S*{raw_files.TRAIN_IMAGES}") as caught:
        download("mnist", tmp_path / "raw", str(mirror))
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("url", ["http://[::1", "http://é.invalid:x", "http://", "ftp://a.b"])
def test_an_invalid_address_is_in_the_message(tmp_path: Path, url: str) -> None:
    with pytest.raises((UserError, Unreachable), match=re.escape(url.removesuffix("//"))):
        download("mnist", tmp_path / "raw", url)


@pytest.mark.parametrize("over_http", [False, True])
def test_an_altered_file_is_an_error_and_leaves_nothing(
    tmp_path: Path, mirror: Path, served: str, over_http: bool
) -> None:
    altered = mirror / "mnist" / raw_files.TEST_IMAGES  # the third file, after two valid ones
    altered.write_bytes(altered.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=rf"{raw_files.TEST_IMAGES}.*expected MD5 \w+, found \w+"):
        download("mnist", tmp_path / "raw", served if over_http else str(mirror))
    assert names(tmp_path / "raw") == []


def test_a_download_that_ends_early_is_an_error_and_leaves_nothing(
    tmp_path: Path, breaking: str
) -> None:
    with pytest.raises(UserError, match=rf"{raw_files.TRAIN_IMAGES}.*expected MD5 \w+, found \w+"):
        download("mnist", tmp_path / "raw", breaking)
    assert names(tmp_path / "raw") == []


def test_a_download_that_stalls_does_not_hang_the_fetch(
    tmp_path: Path, stalling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "STALL_SECONDS", 0.2)
    start = time.monotonic()
    with pytest.raises(Unreachable, match="timed out"):
        download("mnist", tmp_path / "raw", stalling)
    assert time.monotonic() - start < 1.5
    assert names(tmp_path / "raw") == []


def test_a_mirror_that_lacks_a_file_leaves_nothing(
    tmp_path: Path, mirror: Path, served: str
) -> None:
    (mirror / "mnist" / raw_files.TEST_LABELS).unlink()
    with pytest.raises(Unreachable, match="404"):
        download("mnist", tmp_path / "raw", served)
    assert names(tmp_path / "raw") == []


def test_unreachable_lists_every_mirror(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"name\.invalid.*127\.0\.0\.1.*refused"):
        download("mnist", tmp_path / "raw", "http://name.invalid")
    assert not (tmp_path / "raw").exists()


def test_a_silent_server_does_not_hang_the_fetch(tmp_path: Path, silent: str) -> None:
    start = time.monotonic()
    with pytest.raises(Unreachable, match="timed out"):
        download("mnist", tmp_path / "raw", silent)
    assert time.monotonic() - start < 5


def test_a_name_server_that_never_answers_does_not_hang_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(30))
    monkeypatch.setattr(official, "ANSWER_SECONDS", 0.2)
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
        download("mnist", tmp_path / "raw", "http://slow.invalid")
    assert time.monotonic() - start < 5
