"""Reads and writes files: writes are atomic, and errors name missing and damaged files."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from secrets import token_hex
from typing import Any

from filelock import FileLock, Timeout

from autoencoders.errors import UserError

MAX_CHARACTERS = 200  # of a description in an error message
# A temporary folder is called `.autoencoders-<token>.part` and contains the file `lock`.
TEMPORARY, LOCK = ".autoencoders-", "lock"
LOCK_SECONDS = 1.0  # another process that tests the lock needs less
# Errors of an operation that a file system does not have, or that it does not allow on a folder.
UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
UNSUPPORTED |= {errno.EACCES, errno.EBADF, errno.EISDIR}
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class MissingFileError(UserError):
    """A file or folder that the program needs does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing")
        self.path = path


class DamagedFileError(UserError):
    """A file or folder has wrong content; `reason` completes the sentence "the file is …"."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is {reason}")
        self.path = path


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path next to `target`; rename it to `target` on success, else delete it.

    After a kill or a power cut, `target` is either the complete old file or the complete new one.
    """
    with temporary_path(target) as temporary:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
        _flush(target.parent)


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `target`; it replaces `target` on success.

    After a kill or a power cut, `target` is complete, or it is missing: the old folder is moved
    away just before the new one is renamed.

    Raises:
        UserError: `target` is a link, which a user does not expect to be replaced.
    """
    if target.is_symlink():
        raise UserError(f"{target} is a link, but it must be a folder: remove the link")
    with temporary_path(target) as temporary:
        temporary.mkdir()
        yield temporary
        for path in (*temporary.rglob("*"), temporary):
            _flush(path)
        _replace_folder(target, temporary)
        _flush(target.parent)


def _replace_folder(target: Path, new: Path) -> None:
    """Rename `new` to `target`; move an old `target` to the temporary folder of `new`."""
    while True:
        with suppress(FileNotFoundError):
            target.replace(new.with_name(token_hex(8)))
        try:
            new.replace(target)
            return
        except OSError as error:  # another process may just have written its own `target`
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


@contextmanager
def temporary_path(target: Path) -> Iterator[Path]:
    """Yield the path of `target` in a new temporary folder next to it, which is deleted afterwards.

    A system error gets the final path in place of the temporary one; the error of a full disk has
    no path and gets `target`.
    """
    folder = target.parent / f"{TEMPORARY}{token_hex(8)}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent.absolute())
        with _create_and_lock(folder):
            yield folder / target.name
    except OSError as error:
        named = folder if error.filename is None else Path(error.filename)
        if named.is_relative_to(folder):
            final = target.joinpath(*named.relative_to(folder).parts[1:])
            error.filename, error.filename2 = os.fspath(final), None
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create_and_lock(folder: Path) -> AbstractContextManager[object]:
    """Create a folder and return its lock, which other processes test before they delete it."""
    lock = FileLock(folder / LOCK, timeout=LOCK_SECONDS)
    while True:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        try:
            return lock.acquire()
        except (FileNotFoundError, FileExistsError):  # another process has just deleted the folder
            continue
        except (OSError, NotImplementedError):  # this file system has no locks
            return nullcontext()


@cache
def _remove_leftovers(parent: Path) -> None:
    """Delete the temporary folders that no process locks: a killed process leaves them."""
    for folder in parent.glob(f"{TEMPORARY}*.part"):
        with suppress(OSError, NotImplementedError), FileLock(folder / LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)


def _flush(path: Path) -> None:
    """Write a file's content, or a folder's list of entries, from the cache to the disk.

    Do nothing where the file system has no such operation, such as SMB, FUSE and mounted buckets.
    """
    windows = os.name == "nt"
    if path.is_dir() and windows:  # Windows cannot open a folder and writes its entries at once
        return
    try:
        descriptor = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content` atomically.

    Pass bytes here instead of letting a library write: then a full disk always raises `OSError`.
    """
    with atomic_file(target) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, content: Any) -> None:
    """Write `content` as indented JSON atomically."""
    with atomic_file(target) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; call it within `readable`, which reports damage."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path: Path) -> StringIO:
    """Return a text file as a stream; raise `ValueError` if its last line is incomplete."""
    content = path.read_text(encoding="utf-8")
    if not content.endswith("\n"):
        raise ValueError("its last line is cut off")
    return StringIO(content)


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def verify(path: Path, expected: str) -> None:
    """Raise `DamagedFileError` if the SHA-256 of a file is not `expected`."""
    with readable(path):
        found = digest(path)
    if found != expected:
        raise DamagedFileError(
            path, f"truncated or altered (expected SHA-256 {expected}, found {found})"
        )


def require(path: Path) -> Path:
    """Return `path`; raise `MissingFileError` if it does not exist."""
    if not path.exists():
        raise MissingFileError(path)
    return path


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield `path` to a `with` block that only reads it.

    Raises:
        MissingFileError: the file or folder does not exist.
        DamagedFileError: the block fails; for a damaged file, a parser may raise any exception.
    """
    try:
        yield require(path)
    except (UserError, PermissionError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:  # of temporary files
            error.filename = error.filename or tempfile.gettempdir()
            raise
        raise DamagedFileError(path, f"unreadable ({describe_error(error)})") from error


def remove(path: Path) -> None:
    """Delete a file or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def describe_error(error: Exception) -> str:
    """Return an exception's type and message as one short line."""
    from pydantic import ValidationError

    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        text = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return shortened(text)


def shortened(text: str) -> str:
    """Return text as one line of at most `MAX_CHARACTERS` characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"


@contextmanager
def exclusive(lock: Path, refusal: str) -> Iterator[None]:
    """Hold a lock; raise a `UserError` with the text `refusal` if another process holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise UserError(refusal) from None
    try:
        yield
    finally:
        held.release()
