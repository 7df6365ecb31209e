import errno
import hashlib
from pathlib import Path

import pytest

from autoencoders import files
from autoencoders.errors import UserError


def test_an_atomic_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.txt"
    with files.atomic_file(target) as temporary:
        temporary.write_text("all of it")
        assert not target.exists()
    assert target.read_text() == "all of it"
    assert list(target.parent.iterdir()) == [target]


def test_an_atomic_file_is_readable_by_everyone(tmp_path: Path) -> None:
    with files.atomic_file(tmp_path / "file") as temporary:
        temporary.write_text("")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, exception: type[BaseException]
) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old")

    def write() -> None:
        with files.atomic_file(target) as temporary:
            temporary.write_text("half of the n")
            raise exception

    with pytest.raises(exception):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_atomic_directory_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "parent" / "model"
    target.mkdir(parents=True)
    (target / "old").touch()
    with files.atomic_directory(target) as temporary:
        (temporary / "new").touch()
        assert [entry.name for entry in target.iterdir()] == ["old"]
    assert [entry.name for entry in target.iterdir()] == ["new"]
    assert list(target.parent.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_a_failed_directory_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, exception: type[BaseException]
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")

    def write() -> None:
        with files.atomic_directory(target) as temporary:
            (temporary / "new").touch()
            raise exception

    with pytest.raises(exception):
        write()
    assert (target / "old").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("file", ["pets.png", "pets/0.png"])
def test_an_error_within_a_folder_has_the_final_path(tmp_path: Path, file: str) -> None:
    target = tmp_path / "overview"
    full = OSError(errno.ENOSPC, "No space left on device")

    def write(*, has_path: bool) -> None:
        with files.atomic_directory(target) as temporary:
            if has_path:
                raise OSError(errno.ENOSPC, "No space left on device", str(temporary / file))
            with files.atomic_file(temporary / file):
                raise full

    for has_path in (True, False):
        with pytest.raises(OSError, match="No space left") as caught:
            write(has_path=has_path)
        assert caught.value.filename == str(target / file)


def flushed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that gets each flushed path and each target of a rename from now on."""
    calls: list[Path] = []
    flush, replace = files._flush, Path.replace

    def recorded_flush(path: Path) -> None:
        calls.append(path)
        flush(path)

    def recorded_replace(path: Path, target: Path) -> Path:
        calls.append(target)
        return replace(path, target)

    monkeypatch.setattr(files, "_flush", recorded_flush)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    return calls


def test_content_is_flushed_before_a_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = flushed(monkeypatch)
    files.write_bytes(tmp_path / "file", b"content")
    assert calls == [tmp_path / ".file.part", tmp_path / "file", tmp_path]
    calls.clear()
    with files.atomic_directory(tmp_path / "folder") as temporary:
        (temporary / "in").mkdir()
        (temporary / "in" / "it").touch()
    part = tmp_path / ".folder.part"
    assert sorted(calls[:3]) == [part, part / "in", part / "in" / "it"]
    assert calls[3:] == [tmp_path / "folder", tmp_path]


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = {"mse": 0.0134, "names": ["T-shirt/top", "Ω"], "none": None}
    files.write_json(tmp_path / "metrics.json", content)
    assert files.read_json(tmp_path / "metrics.json") == content


def test_failed_writing_of_json_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        files.write_json(tmp_path / "metrics.json", {"mse": object()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_digest_equals_hashlib(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "file").write_bytes(b"images")
    expected = hashlib.new(algorithm, b"images").hexdigest()
    assert files.digest(tmp_path / "file", algorithm) == expected


def test_an_error_about_a_missing_file_has_its_path(tmp_path: Path) -> None:
    assert files.require(tmp_path) == tmp_path
    with pytest.raises(files.MissingFileError, match=r"weights\.safetensors is missing$") as caught:
        files.require(tmp_path / "weights.safetensors")
    assert caught.value.path == tmp_path / "weights.safetensors"


@pytest.mark.parametrize(
    "error", [ValueError("line 3\ncolumn 1"), EOFError(), IsADirectoryError(21, "Is a directory")]
)
def test_an_error_while_reading_is_one_line_with_the_path(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "model").touch()
    with (
        pytest.raises(files.DamagedFileError, match=r"model is unreadable \(") as caught,
        files.readable(tmp_path / "model"),
    ):
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), UserError("a line")])
def test_errors_that_no_rerun_corrects_are_not_replaced(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, files.readable(tmp_path):
        raise error
    assert caught.value is error
