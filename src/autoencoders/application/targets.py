"""Which file to write, so that nothing is lost: no input, no other output, nothing of people's."""

import hashlib
import os
import tempfile
import unicodedata
import warnings
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from autoencoders.errors import UserError
from autoencoders.sources.names import printable

ENDINGS = {  # of outputs, and the format that each is of
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))
SOFTWARE = 305  # EXIF's tag, and TIFF's, that says what made an image
OURS = "autoencoders"  # how it begins


class Targets:
    """The names that are still free, as outputs take one after the other."""

    def __init__(self, inputs: Iterable[Path]) -> None:
        self.taken = {_seen_as(name) for path in inputs for name in (path, _real(path))}

    def free(self, wanted: Path, origin: str) -> Path:
        """Return `wanted`, or the first of its numbered names that is free or of this `origin`."""
        for n in count(1):
            target = wanted if n == 1 else wanted.with_stem(f"{wanted.stem}-{n}")
            if _seen_as(target) not in self.taken and may_replace(target, origin):
                break
        self.taken.add(_seen_as(target))
        return target


def ending(asked: str | None, source: Path) -> str:
    """Return the ending of an output: of the format asked for, else as the source's, else PNG's."""
    if asked:
        return next(ending for ending, name in ENDINGS.items() if name == asked)
    found = source.suffix.lower()
    return found if found in ENDINGS else ".png"


def origin_of(source: Path, made_by: str) -> str:
    """Return what tells an output from all others; it gives no name of a folder away."""
    return f"{OURS} {made_by} {hashlib.sha256(os.fsencode(_real(source))).hexdigest()}"


def may_replace(target: Path, origin: str) -> bool:
    """Return whether there is nothing, or an earlier output that says the same of itself."""
    from PIL import Image

    if not os.path.lexists(target):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a large image: it is not decoded
        try:
            with Image.open(target) as image:
                return image.getexif().get(SOFTWARE) == origin
        except Exception:  # whatever it is, it is not ours
            return False


def require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written; it is made when something is written."""
    place = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    try:
        tempfile.TemporaryDirectory(dir=place).cleanup()
    except OSError as error:
        raise UserError(
            f"--to: found {printable(str(folder))}, which cannot be written ({error.strerror}: "
            f"{printable(str(place))}); allowed: a folder, there or new"
        ) from None


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _seen_as(path: Path) -> str:
    """Return what two names of one file have in common on any system.

    Names that differ in case alone are one, as many systems have it.
    """
    return unicodedata.normalize("NFC", str(_real(path.parent) / path.name)).casefold()
