"""The paths of output files; no input, other output or file of the user is overwritten."""

import os
import tempfile
import unicodedata
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from autoencoders.errors import UserError
from autoencoders.images.file_names import printable
from autoencoders.images.listing import ImageFile
from autoencoders.images.origin import make_origin, read_origin

FORMAT_OF_EXTENSION = {  # for output files
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
FORMATS = tuple(dict.fromkeys(FORMAT_OF_EXTENSION.values()))
FOLDER = "a folder (one that exists, or a name without an extension)"  # for --to


def free_path(preferred: Path, origin: str, taken: set[str]) -> Path:
    """Return `preferred`, or the first numbered variation of it, that may be written.

    A path may be written if it is not in `taken`, and is new or an earlier output of the same
    `origin`. The result is added to `taken`.
    """
    for n in count(1):
        target = preferred if n == 1 else preferred.with_stem(f"{preferred.stem}-{n}")
        if _comparison_key(target) not in taken and may_replace(target, origin):
            break
    taken.add(_comparison_key(target))
    return target


def format_named(name: str) -> str:
    """Return the format with a name or extension in any case: `jpeg` for `JPG`.

    An unknown name is returned in lower case.
    """
    return FORMAT_OF_EXTENSION.get(f".{name.lower().removeprefix('.')}", name.lower())


def is_file_name(to: Path) -> bool:
    """Return whether `--to` is the name of a file: no folder has it, and it has an extension.

    The part after a point is an extension if it starts with a letter, unlike that of `v1.0`.
    """
    extension = to.suffix[1:].strip()
    is_folder = os.path.isdir(to)  # noqa: PTH112 - Path.is_dir raises on too long a name
    return not is_folder and extension.isalnum() and extension[0].isalpha()


def single_output_file(to: Path, count: int, requested: str | None) -> Path | None:
    """Return `--to` if it is the output file of the only image; None if it is a folder.

    Raises:
        UserError: it is a file, but its format is not supported or not the `requested` format, or
            the `count` of images is more than one.
    """
    if not is_file_name(to):
        return None
    name, format = printable(to.name), FORMAT_OF_EXTENSION.get(to.suffix.lower())
    if format is None:
        allowed = ", ".join(FORMAT_OF_EXTENSION)
        raise UserError(f"--to: found {name}; allowed: {FOLDER}, or for one image {allowed}")
    if count > 1:
        raise UserError(f"--to: found the file {name} for {count} images; allowed: {FOLDER}")
    if requested not in (None, format):
        raise UserError(f"--format: found {requested} for --to {name}; allowed: {format}, or none")
    return to


def plan_outputs(
    images: Sequence[ImageFile],
    to: Path,
    file: Path | None,
    format: str | None,
    suffix: str,
    made_by: str,
) -> list[tuple[ImageFile, Path, str]]:
    """Return each image with its output path and the origin to store in the output.

    Args:
        images: the inputs.
        to: the output folder; subfolders of input folders are kept.
        file: the only output file; None for an output folder.
        format: the requested format; None for each input's own, or PNG if it is not supported.
        suffix: the part after the input's name in the names of outputs.
        made_by: the name of the variant.

    Raises:
        UserError: `file` exists and is not an earlier output of this variant for this image.
    """
    inputs = {path for image in images for path in (image.path, Path(os.path.realpath(image.path)))}
    taken, planned = {_comparison_key(path) for path in inputs}, []
    for image in images:
        origin = make_origin(made_by, image.path)
        name = f"{image.path.stem}-{suffix}{_extension(format, image.path)}"
        target = free_path(file or to / image.relative_path.parent / name, origin, taken)
        if file not in (None, target):
            raise UserError(
                f"--to: found {printable(str(file))}, which is not an earlier output of this "
                "variant for this image; allowed: a new file, or a folder"
            )
        planned.append((image, target, origin))
    return planned


def may_replace(target: Path, origin: str) -> bool:
    """Return whether the target is new or an earlier output of the same origin."""
    return not os.path.lexists(target) or read_origin(target) == origin


def require_writable(folder: Path) -> None:
    """Raise a `UserError` if a folder cannot be created or written; it is not created here."""
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    try:
        tempfile.TemporaryDirectory(dir=existing).cleanup()
    except OSError as error:
        raise UserError(
            f"--to: found {printable(str(folder))}, which cannot be written ({error.strerror}: "
            f"{printable(str(existing))}); allowed: an existing or a new folder"
        ) from None


def _extension(format: str | None, source: Path) -> str:
    """Return the extension of an output: of the requested format, or the source's, or .png."""
    if format:
        return next(key for key, value in FORMAT_OF_EXTENSION.items() if value == format)
    found = source.suffix.lower()
    return found if found in FORMAT_OF_EXTENSION else ".png"


def _comparison_key(path: Path) -> str:
    """Return a text that is the same for all names of one file.

    Case and Unicode forms do not matter, as on the file systems of Windows and macOS.
    """
    real = Path(os.path.realpath(path.parent), path.name)
    return unicodedata.normalize("NFC", str(real)).casefold()
