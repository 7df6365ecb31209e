"""Lists of the image files in folders or given to a command, and of the skipped files."""

import glob
import os
import stat
from collections import Counter, deque
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import as_text, printable
from autoencoders.images.formats import EXAMPLES, image_extensions
from autoencoders.images.origin import digest_of, read_origin

# Folders that operating systems create, in lower case.
SYSTEM_FOLDERS = ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found")
OUTPUTS_ADVICE = "to use them as inputs, list these files, without their own inputs"
MAX_EXAMPLES = 3  # in a message
MAX_EXTENSIONS = 5  # that are counted separately


@dataclass
class Listing:
    """The image files and folders in a folder, relative to it, sorted by path.

    `other_extensions` counts the files that are not images according to their extension. `skipped`
    contains all other skipped paths, by the reason.
    """

    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    other_extensions: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, list[Path]] = field(default_factory=dict)

    def describe_skipped(self) -> str:
        """Return the numbers of skipped files, as part of a message; empty if there are none."""
        parts = [
            f"{reason}: {len(paths)} ({format_examples(paths)})"
            for reason, paths in self.skipped.items()
        ]
        if self.other_extensions:
            ranked = sorted(self.other_extensions.items(), key=lambda item: (-item[1], item[0]))
            counts = [f"{count} {extension}" for extension, count in ranked[:MAX_EXTENSIONS]]
            more = ", …" * (len(ranked) > MAX_EXTENSIONS)
            parts.append(
                f"files with other extensions: {self.other_extensions.total()} "
                f"({', '.join(counts)}{more})"
            )
        return "; ".join(parts)


def format_examples(paths: Sequence[Path | str]) -> str:
    """Return the first paths or names as one line for a message."""
    more = ", …" * (len(paths) > MAX_EXAMPLES)
    return ", ".join(printable(str(path)) for path in paths[:MAX_EXAMPLES]) + more


def list_images(source: Path) -> Listing:
    """List the image files and folders in a folder, at any depth.

    Names that start with a dot are ignored. Links are followed last and each target is listed only
    once, so loops end. Links to a parent folder of `source` are not followed.
    """
    listing = Listing()
    listed = {str(parent) for parent in Path(os.path.realpath(source)).parents}
    paths, links = deque([source]), deque[Path]()
    while paths or links:
        path = paths.popleft() if paths else links.popleft()
        relative, real = path.relative_to(source), os.path.realpath(path)
        found = "links to listed files or folders" if real in listed else _inspect(path, relative)
        if isinstance(found, str):
            listing.skipped.setdefault(found, []).append(relative)
            continue
        listed.add(real)
        if found is None and path.suffix.lower() in image_extensions():
            listing.images.append(relative)
        elif found is None:
            listing.other_extensions[printable(path.suffix.lower()) or "without extension"] += 1
        else:
            listing.folders.append(relative)
            children = [path / name for name in found if not name.startswith(".")]
            paths.extend(child for child in children if not child.is_symlink())
            links.extend(child for child in children if child.is_symlink())
    listing.images.sort(key=Path.as_posix)
    listing.folders.sort(key=Path.as_posix)
    return listing


@dataclass(frozen=True)
class ImageFile:
    """An image file, and its path relative to the folder given by the user, or its name."""

    path: Path
    relative_path: Path

    @property
    def label(self) -> str | None:
        """Return the name of the file's class folder; None without a class folder."""
        return as_text(self.relative_path.parent.name) or None


def find_image_files(arguments: Sequence[Path], to: Path) -> tuple[list[ImageFile], list[str]]:
    """Return the files that the arguments name, each once, and one error message per failed path.

    Arguments are files, folders or patterns: a path with *, ? or [ that does not exist is a shell
    pattern, in which ** is any number of folders. Files in `to`, the output folder, are skipped,
    and so are outputs of this program, unless they are arguments without their own inputs.
    """
    found: dict[str, ImageFile] = {}  # by their paths without links
    complaints = []
    for path in (path for argument in arguments for path in _expand(argument)):
        try:
            for file in _files_at(path, to):
                found.setdefault(os.path.realpath(file.path), file)
        except UserError as complaint:
            complaints.append(f"{printable(str(path))}: {complaint}")
    if outputs := _own_outputs(found, {os.path.realpath(argument) for argument in arguments}):
        examples = format_examples([found.pop(path).path for path in outputs])
        skipped = f"outputs of this program: {len(outputs)} ({examples}); {OUTPUTS_ADVICE}"
        if found:
            warn(f"skipped {skipped}")
        else:
            complaints.append(f"found only {skipped}")
    return list(found.values()), complaints


def _own_outputs(found: Mapping[str, ImageFile], named: Container[str]) -> list[str]:
    """Return the outputs of this program that are not inputs, of the files `found` by real path.

    An output is an input if the user named it, without its own input; a shell turns `*.png` into
    names of both.
    """
    origins = {path: read_origin(file.path) for path, file in found.items()}
    sources = {digest_of(path) for path in found}
    return [
        path
        for path, origin in origins.items()
        if origin and (path not in named or origin.rpartition(" ")[2] in sources)
    ]


def _expand(argument: Path) -> list[Path]:
    """Return the files and folders that match a pattern, or else the argument."""
    if os.path.lexists(argument) or not glob.has_magic(str(argument)):
        return [argument]
    matches = glob.glob(str(argument), recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    return [Path(match) for match in sorted(matches)] or [argument]


def _files_at(path: Path, to: Path) -> Iterator[ImageFile]:
    """Yield a file, or the image files in a folder that are not in `to`."""
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises on too long a name
        if glob.has_magic(str(path)) and not os.path.lexists(path):
            raise UserError("no file matches this pattern")
        yield ImageFile(path, Path(path.name))
        return
    output_folder = Path(os.path.realpath(to))
    if output_folder == Path(os.path.realpath(path)):
        raise UserError("is also the output folder; allowed: another folder for --to")
    listing = list_images(path)
    skipped = listing.describe_skipped()
    images = [
        ImageFile(path / relative, relative)
        for relative in listing.images
        if not Path(os.path.realpath(path / relative)).is_relative_to(output_folder)
    ]
    if not images:
        found = f"no image file (skipped: {skipped})" if skipped else "no image file"
        raise UserError(f"contains {found}; allowed: {EXAMPLES}")
    if skipped:
        warn(f"{printable(str(path))}: skipped: {skipped}")
    yield from images


def _inspect(path: Path, relative: Path) -> list[str] | str | None:
    """Return the sorted names in a folder, None for a file, or the reason to skip the path."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if relative.name.casefold() in SYSTEM_FOLDERS:
                return "system folders"
            return sorted(os.listdir(path))  # noqa: PTH208 - only the names
    except OSError:
        broken = path.is_symlink() and not os.path.exists(path)  # noqa: PTH110 - Path.exists may raise
        return "broken links" if broken else "files or folders that cannot be opened"
    return None if stat.S_ISREG(mode) else "neither files nor folders"
