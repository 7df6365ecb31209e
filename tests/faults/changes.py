"""Ways to make a world bad: each returns a function of the world's root."""

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
    """Leave the world as it is: what is bad is the command or the environment."""


def all_of(*changes: Change) -> Change:
    """Make several things bad, one after another."""

    def change(world: Path) -> None:
        for one in changes:
            one(world)

    return change


def put(key: str, value: Any) -> Change:
    """Set one dotted key of params.yaml."""
    return _edited(key, lambda section, last: section.__setitem__(last, value))


def without(key: str) -> Change:
    """Leave one dotted key out of params.yaml."""
    return _edited(key, lambda section, last: section.pop(last))


def _edited(key: str, edit: Callable[[dict[str, Any], str], object]) -> Change:
    def change(world: Path) -> None:
        content = yaml12.read(world / "params.yaml")
        *way, last = key.split(".")
        edit(reduce(getitem, way, content), last)
        (world / "params.yaml").write_text(yaml12.dump(content), "utf-8")

    return change


def replaced(path: str, old: str, new: str) -> Change:
    """Write `new` for `old`, once, in a text file."""

    def change(world: Path) -> None:
        content = (world / path).read_text("utf-8")
        assert old in content
        (world / path).write_text(content.replace(old, new, 1), "utf-8")

    return change


def added(path: str, text: str) -> Change:
    """Write more at the end of a text file."""

    def change(world: Path) -> None:
        with (world / path).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return change


def written(path: str, content: bytes | str) -> Change:
    """Write a file, new or in place of what was there."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).parent.mkdir(parents=True, exist_ok=True)
        (world / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def removed(path: str) -> Change:
    """Remove a file or a folder, where there is one."""

    def change(world: Path) -> None:
        target = world / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)

    return change


def emptied(path: str) -> Change:
    """Leave nothing in a file, as a power cut does."""
    return written(path, b"")


def halved(path: str) -> Change:
    """Leave half of a file, as a copy that broke off does."""

    def change(world: Path) -> None:
        content = (world / path).read_bytes()
        (world / path).write_bytes(content[: len(content) // 2])

    return change


def scrambled(path: str) -> Change:
    """Put bytes without sense in place of a file."""
    return written(path, GARBAGE)


def flipped(path: str) -> Change:
    """Turn one bit in the middle of a file."""

    def change(world: Path) -> None:
        content = bytearray((world / path).read_bytes())
        content[len(content) // 2] ^= 1
        (world / path).write_bytes(content)

    return change


def folder_instead(path: str) -> Change:
    """Put a folder where a file belongs."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).mkdir(parents=True)

    return change


def linked(path: str, target: str) -> Change:
    """Put a symbolic link in place of what was there."""

    def change(world: Path) -> None:
        removed(path)(world)
        (world / path).parent.mkdir(parents=True, exist_ok=True)
        (world / path).symlink_to(target)

    return change


def read_only(path: str) -> Change:
    """Let nobody write into a folder."""

    def change(world: Path) -> None:
        (world / path).mkdir(parents=True, exist_ok=True)
        (world / path).chmod(0o555)

    return change


def each(pattern: str, change: Callable[[str], Change]) -> Change:
    """Change all files of a pattern, of which there must be some."""

    def change_all(world: Path) -> None:
        paths = [str(path.relative_to(world)) for path in world.glob(pattern)]
        assert paths, pattern
        for path in paths:
            change(path)(world)

    return change_all
