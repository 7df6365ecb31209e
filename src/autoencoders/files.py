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

WIDTH = 200  # of what is told of a fault, in characters


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

    Under a kill or a power cut the old folder is left or the new one, whole and on the disk. As no
    system call swaps two folders everywhere, the old one is set aside for the moment between two
    renames; where that moment was the last, whoever next reads or writes `target` takes it back.

    Raises:
        UserError: `target` is a link, and whoever made it did not mean it to be replaced.
    """
    if target.is_symlink():
        raise UserError(f"{target} is a link, and a folder is to be written there: remove it first")
    _take_back(target)
    try:
        with _written(target) as temporary:
            temporary.mkdir()
            yield temporary
            temporary.chmod(0o755)
            for path in (*temporary.rglob("*"), temporary):
                _flush(path)
            if target.exists():
                target.replace(_aside(target))
            temporary.replace(target)
            _flush(target.parent)
    finally:
        _take_back(target)


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


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _take_back(target: Path) -> None:
    """Give a folder its name again that a killed process has set aside and not replaced."""
    if _aside(target).exists() and not target.exists():
        _aside(target).replace(target)
    with suppress(OSError):
        remove(_aside(target))


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


def verify(path: Path, expected: str, stage: str) -> None:
    """Raise a `UserError` that names the stage to run again unless a file's SHA-256 is right."""
    with readable(path, stage):
        found = digest(path)
    if found != expected:
        raise UserError(
            f"{path} is truncated or altered: expected SHA-256 {expected}, found {found}; "
            f"run `dvc repro -f -s {stage}`"
        )


def require(path: Path, stage: str) -> Path:
    """Return `path`, or raise a `UserError` that names the stage that writes it."""
    for folder in (path, path.parent):
        _take_back(folder)
    if not path.exists():
        raise UserError(f"{path} is missing: run the stage that writes it, `dvc repro {stage}`")
    return path


@contextmanager
def readable(path: Path, stage: str) -> Iterator[Path]:
    """Yield `path`, which `stage` writes, to a body that reads it and does nothing else.

    Raises:
        UserError: it is missing, or the body fails, in whatever way: parsers raise whatever they
            stumble over in a damaged file. The message names the file and the stage to run again.
    """
    try:
        yield require(path, stage)
    except (UserError, PermissionError):
        raise
    except Exception as error:
        raise UserError(
            f"{path} is unreadable ({reason(error)}): run `dvc repro -f -s {stage}`"
        ) from error


def remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def reason(error: Exception) -> str:
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
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
