"""Writing files so that a reader never sees half of one, and naming them by their content."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autoencoders.errors import UserError


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` on success, else delete it."""
    temporary = _temporary(target)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that replaces `target` as a whole on success."""
    temporary = _temporary(target)
    temporary.mkdir()
    try:
        yield temporary
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(target: Path) -> Path:
    """Return the one temporary path of `target`, free of what a killed process may have left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    if temporary.is_dir():
        shutil.rmtree(temporary)
    temporary.unlink(missing_ok=True)
    return temporary


def write_json(target: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_file(target) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def verify(path: Path, expected: str, stage: str) -> None:
    """Raise a `UserError` that names the stage to run again unless a file's SHA-256 is right."""
    found = digest(path)
    if found != expected:
        raise UserError(
            f"{path} is truncated or altered: expected SHA-256 {expected}, found {found}; "
            f"run `dvc repro -f -s {stage}`"
        )


def require(path: Path, stage: str) -> Path:
    """Return `path`, or raise a `UserError` that names the stage that writes it."""
    if not path.exists():
        raise UserError(f"{path} is missing: run the stage that writes it, `dvc repro {stage}`")
    return path
