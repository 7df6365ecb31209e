"""Which file to write, so that nothing is lost: no input, no other output, nothing of people's."""

import hashlib
import os
import tempfile
import unicodedata
import warnings
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from PIL import Image

from autoencoders.errors import UserError
from autoencoders.images.file_names import printable
from autoencoders.images.listing import ImageFile

FORMAT_OF_EXTENSION = {  # of outputs, and the format that each is of
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
FORMATS = tuple(dict.fromkeys(FORMAT_OF_EXTENSION.values()))
SOFTWARE_TAG = 305  # EXIF's tag, and TIFF's, that says what made an image
SOFTWARE_NAME = "autoencoders"  # how it begins


def free_path(wanted: Path, origin: str, taken: set[str]) -> Path:
    """Return `wanted`, or the first of its numbered names that is free or of this `origin`.

    It is then `taken` too.
    """
    for n in count(1):
        target = wanted if n == 1 else wanted.with_stem(f"{wanted.stem}-{n}")
        if _seen_as(target) not in taken and may_replace(target, origin):
            break
    taken.add(_seen_as(target))
    return target


def single_output_file(to: Path, sources: Sequence[Path], asked: str | None) -> Path | None:
    """Return the file that `--to` names for one source; None where it names a folder.

    Raises:
        UserError: it names a file of a format that is not written, or not of the format `asked`.
    """
    ending = to.suffix.lower()
    # Path's own raise on too long a name.
    one = len(sources) == 1 and os.path.isfile(sources[0])  # noqa: PTH113
    if not one or os.path.isdir(to) or ending not in Image.registered_extensions():  # noqa: PTH112
        return None
    kind = FORMAT_OF_EXTENSION.get(ending)
    if kind is None:
        allowed = ", ".join(FORMAT_OF_EXTENSION)
        raise UserError(f"--to: found {printable(to.name)}; allowed: a folder, or {allowed}")
    if asked not in (None, kind):
        raise UserError(f"--format: found {asked} for {printable(to.name)}: leave it out")
    return to


def plan_outputs(
    images: Sequence[ImageFile], to: Path, file: Path | None, asked: str | None, name: str, by: str
) -> list[tuple[ImageFile, Path, str]]:
    """Return each image with the file to write and what is to stand in it of its origin.

    Args:
        images: the inputs.
        to: the folder to write into, where folders that were named keep their structure.
        file: the one file to write; None for a folder.
        asked: the format; None for each input's own, or else PNG.
        name: is appended to each input's.
        by: what they are made by.

    Raises:
        UserError: there is such a `file`, and it was not made of this image by this variant.
    """
    inputs = {name for image in images for name in (image.path, Path(os.path.realpath(image.path)))}
    taken, found = {_seen_as(name) for name in inputs}, []
    for image in images:
        digest = hashlib.sha256(os.fsencode(os.path.realpath(image.path))).hexdigest()
        origin = f"{SOFTWARE_NAME} {by} {digest}"
        beside = (
            to
            / image.relative_path.parent
            / f"{image.path.stem}-{name}{_ending(asked, image.path)}"
        )
        target = free_path(file or beside, origin, taken)
        if file not in (None, target):
            raise UserError(
                f"--to: found {printable(str(file))}, which was not made of this image by this "
                "variant; allowed: a new file, or a folder"
            )
        found.append((image, target, origin))
    return found


def may_replace(target: Path, origin: str) -> bool:
    """Return whether there is nothing, or an earlier output that says the same of itself."""
    if not os.path.lexists(target):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a large image: it is not decoded
        try:
            with Image.open(target) as image:
                return image.getexif().get(SOFTWARE_TAG) == origin
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


def _ending(asked: str | None, source: Path) -> str:
    """Return the ending of an output: of the format asked for, else as the source's, else PNG's."""
    if asked:
        return next(ending for ending, name in FORMAT_OF_EXTENSION.items() if name == asked)
    found = source.suffix.lower()
    return found if found in FORMAT_OF_EXTENSION else ".png"


def _seen_as(path: Path) -> str:
    """Return what two names of one file have in common on any system.

    Names that differ in case alone are one, as many systems have it.
    """
    real = Path(os.path.realpath(path.parent), path.name)
    return unicodedata.normalize("NFC", str(real)).casefold()
