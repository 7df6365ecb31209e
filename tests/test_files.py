import errno
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
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


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o22, 0o644, 0o755), (0o77, 0o600, 0o700)])
def test_the_umask_decides_who_can_read_outputs(
    tmp_path: Path, umask: int, file: int, folder: int
) -> None:
    before = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "file", b"")
        with files.atomic_directory(tmp_path / "folder") as temporary:
            (temporary / "in").touch()
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("file", "folder", "folder/in")]
    assert modes == [file, folder, file]


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
    assert [path.name for path in calls] == ["file", "file", tmp_path.name]
    assert calls[0].parent.parent == calls[1].parent == calls[2] == tmp_path
    calls.clear()
    with files.atomic_directory(tmp_path / "folder") as temporary:
        (temporary / "in").mkdir()
        (temporary / "in" / "it").touch()
    assert sorted(calls[:3]) == [temporary, temporary / "in", temporary / "in" / "it"]
    assert calls[-2:] == [tmp_path / "folder", tmp_path]


def test_two_writers_of_one_path_do_not_disturb_each_other(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)  # the longest name
    with files.atomic_file(target) as one, files.atomic_file(target) as other:
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"  # which ended last
    folder = tmp_path / "folder"
    with files.atomic_directory(folder) as one, files.atomic_directory(folder) as other:
        (one / "one").touch()
        (other / "other").touch()
    assert [path.name for path in folder.iterdir()] == ["one"]
    assert sorted(tmp_path.iterdir()) == [folder, target]


def test_a_folder_that_another_process_has_just_written_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, replace = tmp_path / "folder", Path.replace
    others = iter(["first", "second"])

    def rename(path: Path, new: Path) -> Path:
        if new == target and (other := next(others, None)):
            (target / other).mkdir(parents=True)
        return replace(path, new)

    monkeypatch.setattr(Path, "replace", rename)
    with files.atomic_directory(target) as temporary:
        (temporary / "mine").touch()
    assert [path.name for path in target.iterdir()] == ["mine"]
    assert list(tmp_path.iterdir()) == [target]


WRITER = """
import os, signal, sys
from pathlib import Path
from autoencoders import files

with files.atomic_{kind}(Path(sys.argv[1])) as temporary:
    {action}
"""


def write_elsewhere(target: Path, kind: str, action: str) -> int:
    """Run an action in another process that writes a file or a directory; return its exit code."""
    script = WRITER.format(kind=kind, action=action)
    return subprocess.run([sys.executable, "-c", script, str(target)], check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_killed_process_leaves_is_deleted_and_what_a_live_one_writes_is_not(
    tmp_path: Path, kind: str
) -> None:
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    assert write_elsewhere(tmp_path / "killed", kind, kill) == -signal.SIGKILL
    assert len(list(tmp_path.glob(".*.part"))) == 1
    own = tmp_path / ".own.part"  # not ours
    own.mkdir()
    with files.atomic_file(tmp_path / "live") as temporary:
        assert sorted(tmp_path.iterdir()) == sorted([temporary.parent, own])
        temporary.write_text("live")
        write = "temporary.touch()" if kind == "file" else "pass"
        assert write_elsewhere(tmp_path / "other", kind, write) == 0
    assert sorted(tmp_path.iterdir()) == [own, tmp_path / "live", tmp_path / "other"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM])
def test_a_file_system_need_not_flush_lock_or_change_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in ("os.fsync", "os.chmod", "os.fchmod", "fcntl.flock"):
        monkeypatch.setattr(name, refuse)
    monkeypatch.setattr("warnings.warn", lambda *arguments, **options: None)  # filelock's
    files.write_bytes(tmp_path / "file", b"content")
    with files.atomic_directory(tmp_path / "folder") as temporary:
        (temporary / "in").touch()
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "folder" / "in").exists()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_flush_that_loses_content_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        files.write_bytes(tmp_path / "file", b"content")
    assert caught.value.filename == str(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_for_temporary_files_is_not_called_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, files.readable(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == tempfile.gettempdir()


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
