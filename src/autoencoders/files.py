"""Files written so that a reader never sees half of one, and read so that damage is told."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from autoencoders.errors import UserError

MAX_CHARACTERS = 200  # of what is told of a fault, in characters


class MissingFileError(UserError):
    """A file or folder that the program needs does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing")
        self.path = path


class DamagedFileError(UserError):
    """A file or folder does not hold what it must; the reason says why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is {reason}")
        self.path = path


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` on success, else delete it.

    Under a kill or a power cut the old file is left or the new one, whole and on the disk.
    """
    with _written(target) as temporary:
        yield temporary
        temporary.chmod(0o644)
        _flush(temporary)
        temporary.replace(target)
        _flush(target.parent)


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that replaces `target` as a whole on success.

    After a kill or a power cut `target` is whole, or, between the removal of the old folder and
    the renaming of the new one, missing.

    Raises:
        UserError: `target` is a link, which its owner does not expect to be replaced.
    """
    if target.is_symlink():
        raise UserError(f"{target} is a link, and a folder is to be written there: remove it first")
    with _written(target) as temporary:
        temporary.mkdir()
        yield temporary
        temporary.chmod(0o755)
        for path in (*temporary.rglob("*"), temporary):
            _flush(path)
        remove(target)
        temporary.replace(target)
        _flush(target.parent)


@contextmanager
def _written(target: Path) -> Iterator[Path]:
    """Yield the one temporary path of `target`, free of what a killed process may have left.

    What is left there afterwards is deleted. Errors of the system name `target`, or what was to be
    in it; that of a full disk names nothing by itself.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(temporary)
        yield temporary
    except OSError as error:
        named = temporary if error.filename is None else Path(error.filename)
        if named.is_relative_to(temporary):
            meant = target / named.relative_to(temporary)
            error.filename, error.filename2 = os.fspath(meant), None
        raise
    finally:
        with suppress(OSError):
            remove(temporary)


def _flush(path: Path) -> None:
    """Return when a file's content, or a folder's list of names, is on the disk."""
    windows = os.name == "nt"
    if path.is_dir() and windows:  # cannot open a folder, and keeps its names by itself
        return
    descriptor = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content`, atomically.

    Libraries that write their files themselves have exceptions of their own for a full disk.
    """
    with atomic_file(target) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_file(target) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; within `readable`, damage is told."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path: Path) -> StringIO:
    """Read a file of lines as a stream; a `ValueError` says that the last one is cut off."""
    content = path.read_text(encoding="utf-8")
    if not content.endswith("\n"):
        raise ValueError("its last line is cut off")
    return StringIO(content)


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def verify(path: Path, expected: str) -> None:
    """Raise `DamagedFileError` unless a file's SHA-256 is the expected one."""
    with readable(path):
        found = digest(path)
    if found != expected:
        raise DamagedFileError(
            path, f"truncated or altered (expected SHA-256 {expected}, found {found})"
        )


def require(path: Path) -> Path:
    """Return `path`, or raise `MissingFileError`."""
    if not path.exists():
        raise MissingFileError(path)
    return path


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield `path` to a body that reads it and does nothing else.

    Raises:
        MissingFileError: there is no such file or folder.
        DamagedFileError: the body fails: on a damaged file, a parser may raise any exception.
    """
    try:
        yield require(path)
    except (UserError, PermissionError):
        raise
    except Exception as error:
        raise DamagedFileError(path, f"unreadable ({describe_error(error)})") from error


def remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def describe_error(error: Exception) -> str:
    """Return an exception as one short line."""
    from pydantic import ValidationError

    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        text = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    return shortened(text)


def shortened(text: str) -> str:
    """Return text as one short line."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"
