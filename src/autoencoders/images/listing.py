"""Which image files people mean by files, folders and patterns; what in a folder is left out."""

import glob
import os
import stat
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable

IMAGE_EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif"),
    *(".pgm", ".ppm", ".tif", ".tiff", ".webp"),
)
# Folders that systems put beside people's own, compared without regard to case.
FOREIGN = ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found")
MOST_SHOWN = 3  # examples in a message
MOST_ENDINGS = 5  # that are counted one by one


@dataclass
class Listing:
    """The image files and the folders in a folder, relative to it, in the order of their paths.

    `other_extensions` counts the files that are not looked at for theirs, and `skipped` has
    what else is not looked at, by its kind.
    """

    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    other_extensions: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, list[Path]] = field(default_factory=dict)

    def describe_skipped(self) -> str:
        """Return what is left out, counted, as a part of a line; empty where nothing is."""
        parts = [
            f"{kind}: {len(places)} ({format_examples(places)})"
            for kind, places in self.skipped.items()
        ]
        if self.other_extensions:
            ranked = sorted(self.other_extensions.items(), key=lambda item: (-item[1], item[0]))
            counts = [f"{count} {ending}" for ending, count in ranked[:MOST_ENDINGS]]
            more = ", …" * (len(ranked) > MOST_ENDINGS)
            parts.append(
                f"files of other endings: {self.other_extensions.total()} "
                f"({', '.join(counts)}{more})"
            )
        return "; ".join(parts)


def format_examples(places: Sequence[Path | str]) -> str:
    """Return the first few of some paths or names for a message, in one line."""
    more = ", …" * (len(places) > MOST_SHOWN)
    return ", ".join(printable(str(place)) for place in places[:MOST_SHOWN]) + more


def list_images(source: Path) -> Listing:
    """List the image files in a folder and the folders below it.

    Links are followed, after all else: what lies in the folder is listed where it lies, and what
    links lead to once, so that no image comes twice and no loop is endless. A link to a folder that
    `source` itself lies in is not followed. What starts with a dot is not looked at.
    """
    listing = Listing()
    seen = {str(parent) for parent in Path(os.path.realpath(source)).parents}
    places, links = deque([source]), deque[Path]()
    while places or links:
        place = places.popleft() if places else links.popleft()
        relative, real = place.relative_to(source), os.path.realpath(place)
        found = "links to what is listed already" if real in seen else _inside(place, relative)
        if isinstance(found, str):
            listing.skipped.setdefault(found, []).append(relative)
            continue
        seen.add(real)
        if found is None and place.name.lower().endswith(IMAGE_EXTENSIONS):
            listing.images.append(relative)
        elif found is None:
            listing.other_extensions[printable(place.suffix.lower()) or "without any"] += 1
        else:
            listing.folders.append(relative)
            below = [place / name for name in found if not name.startswith(".")]
            places.extend(path for path in below if not path.is_symlink())
            links.extend(path for path in below if path.is_symlink())
    listing.images.sort(key=Path.as_posix)
    listing.folders.sort(key=Path.as_posix)
    return listing


@dataclass(frozen=True)
class ImageFile:
    """An image file, and its path `below` the folder that was named; where it was, its name."""

    path: Path
    relative_path: Path

    @property
    def label(self) -> str | None:
        """Return the name of the class folder that the file lies in; None where it lies in none."""
        return printable(self.relative_path.parent.name) or None


def find_image_files(arguments: Sequence[Path], to: Path) -> tuple[list[ImageFile], list[str]]:
    """Return the files that paths mean, each once, and a line for each path that means none.

    Folders are walked, but for `to` in them, where earlier outputs lie. A path with *, ? or [ that
    is no file is a pattern, as shells have it, where ** is any number of folders.
    """
    found: dict[str, ImageFile] = {}  # by what they lead to
    complaints = []
    for place in (place for argument in arguments for place in _places(argument)):
        try:
            for file in _files_of(place, to):
                found.setdefault(os.path.realpath(file.path), file)
        except UserError as complaint:
            complaints.append(f"{printable(str(place))}: {complaint}")
    return list(found.values()), complaints


def _places(argument: Path) -> list[Path]:
    """Return the files and folders that match a pattern, or else what was named."""
    if os.path.lexists(argument) or not glob.has_magic(str(argument)):
        return [argument]
    matches = glob.glob(str(argument), recursive=True)  # noqa: PTH207 - absolute
    return [Path(match) for match in sorted(matches)] or [argument]


def _files_of(place: Path, to: Path) -> Iterator[ImageFile]:
    if not os.path.isdir(place):  # noqa: PTH112 - Path's raises on too long a name
        if glob.has_magic(str(place)) and not os.path.lexists(place):
            raise UserError("no file matches this pattern")
        yield ImageFile(place, Path(place.name))
        return
    own = Path(os.path.realpath(to))
    if own == Path(os.path.realpath(place)):
        raise UserError("is the folder to write into; allowed: another one for --to")
    listing = list_images(place)
    if listing.skipped:
        listing.other_extensions.clear()  # which is usual
        warn(f"{printable(str(place))}: not looked at: {listing.describe_skipped()}")
    images = [
        ImageFile(place / below, below)
        for below in listing.images
        if not Path(os.path.realpath(place / below)).is_relative_to(own)
    ]
    if not images:
        raise UserError(f"holds no image; looked for: {', '.join(IMAGE_EXTENSIONS)}")
    yield from images


def _inside(place: Path, relative: Path) -> list[str] | str | None:
    """Return the names in a folder, in order; None for a file; what it is if it is left out."""
    try:
        mode = place.stat().st_mode
        if stat.S_ISDIR(mode):
            if relative.name.casefold() in FOREIGN:
                return "folders of the system's"
            return sorted(os.listdir(place))  # noqa: PTH208 - the names alone
    except OSError:
        lost = place.is_symlink() and not os.path.exists(place)  # noqa: PTH110 - Path's may raise
        return "links that lead nowhere" if lost else "cannot be opened"
    return None if stat.S_ISREG(mode) else "neither files nor folders"
