"""Functions that return changes; a change makes the world at a given root bad."""

import shutil
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from autoencoders import yaml12
from tests.faults.case import Change

GARBAGE = bytes(range(256)) * 8


def nothing(world: Path) -> None:
    """Change nothing: the command or the environment is bad."""


def all_of(*changes: Change) -> Change:
    """Apply several changes, one after another."""

    def change(world: Path) -> None:
        for one in changes:
            one(world)

    return change


def put(key: str, value: Any) -> Change:
    """Set one dotted key of params.yaml."""
    return _edited(key, lambda section, last: section.__setitem__(last, value))


def without(key: str) -> Change:
    """Remove one dotted key from params.yaml."""
    return _edited(key, lambda section, last: section.pop(last))


def _edited(key: str, edit: Callable[[dict[str, Any], str], object]) -> Change:
    def change(world: Path) -> None:
        content = yaml12.read(world / "params.yaml")
        *sections, last = key.split(".")
        edit(reduce(getitem, sections, content), last)
        (world / "params.yaml").write_text(yaml12.dump(content), "utf-8")

    return change


def replaced(path: str, old: str, new: str) -> Change:
    """Replace the first `old` in a text file by `new`."""

    def change(world: Path) -> None:
        content = (world / path).read_text("utf-8")
        assert old in content
        (world / path).write_text(content.replace(old, new, 1), "utf-8")

    return change


def added(path: str, text: str) -> Change:
    """Append to a text file."""

    def change(world: Path) -> None:
        with (world / path).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return change


def written(path: str, content: bytes | str) -> Change:
    """Write a file, new or instead of an existing path."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).parent.mkdir(parents=True, exist_ok=True)
        (world / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def removed(path: str) -> Change:
    """Remove a file or a folder, if it exists."""

    def change(world: Path) -> None:
        target = world / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)

    return change


def emptied(path: str) -> Change:
    """Empty a file, as a power cut does."""
    return written(path, b"")


def halved(path: str) -> Change:
    """Keep the first half of a file, as an interrupted copy does."""

    def change(world: Path) -> None:
        content = (world / path).read_bytes()
        (world / path).write_bytes(content[: len(content) // 2])

    return change


def scrambled(path: str) -> Change:
    """Replace a file by random-looking bytes."""
    return written(path, GARBAGE)


def flipped(path: str) -> Change:
    """Flip one bit in the middle of a file."""

    def change(world: Path) -> None:
        content = bytearray((world / path).read_bytes())
        content[len(content) // 2] ^= 1
        (world / path).write_bytes(content)

    return change


def folder_instead(path: str) -> Change:
    """Replace a file by an empty folder."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).mkdir(parents=True)

    return change


def linked(path: str, target: str) -> Change:
    """Replace a path by a symbolic link."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).parent.mkdir(parents=True, exist_ok=True)
        (world / path).symlink_to(target)

    return change


def read_only(path: str) -> Change:
    """Make a folder read-only."""

    def change(world: Path) -> None:
        (world / path).mkdir(parents=True, exist_ok=True)
        (world / path).chmod(0o555)

    return change


def each(pattern: str, change: Callable[[str], Change]) -> Change:
    """Apply a change to all files of a pattern; at least one file must match."""

    def change_all(world: Path) -> None:
        paths = [str(path.relative_to(world)) for path in world.glob(pattern)]
        assert paths, pattern
        for path in paths:
            change(path)(world)

    return change_all
