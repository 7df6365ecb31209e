"""Which image files lie in a folder, each once, and what in it is left out."""

import os
import stat
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoencoders.sources.names import printable

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
# Folders that systems put beside people's own, compared without regard to case.
FOREIGN = ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found")
MOST_SHOWN = 3  # examples in a message
MOST_ENDINGS = 5  # that are counted one by one


class LeftOut(Exception):  # noqa: N818 - not an error
    """Something that is not looked at; the message is its kind."""


@dataclass
class Listing:
    """The image files and the folders in a folder, relative to it, in the order of their paths.

    `other_endings` counts the files that are not looked at for theirs, and `left_out` has what else
    is not looked at, by its kind.
    """

    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    other_endings: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, list[Path]] = field(default_factory=dict)

    def losses(self) -> str:
        """Return what is left out, counted, as a part of a line; empty where nothing is."""
        parts = [
            f"{kind}: {len(places)} ({shown(places)})" for kind, places in self.left_out.items()
        ]
        if self.other_endings:
            ranked = sorted(self.other_endings.items(), key=lambda item: (-item[1], item[0]))
            counts = [f"{count} {ending}" for ending, count in ranked[:MOST_ENDINGS]]
            more = ", …" * (len(ranked) > MOST_ENDINGS)
            parts.append(
                f"files of other endings: {self.other_endings.total()} ({', '.join(counts)}{more})"
            )
        return "; ".join(parts)


def shown(places: Sequence[Path | str]) -> str:
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
        relative = place.relative_to(source)
        real = os.path.realpath(place)
        try:
            if real in seen:
                raise LeftOut("links to what is listed already")
            names = _inside(place, relative)
        except LeftOut as kind:
            listing.left_out.setdefault(str(kind), []).append(relative)
            continue
        seen.add(real)
        if names is None:
            _add_file(listing, relative)
        else:
            listing.folders.append(relative)
            below = [place / name for name in names if not name.startswith(".")]
            places.extend(path for path in below if not path.is_symlink())
            links.extend(path for path in below if path.is_symlink())
    listing.images.sort(key=Path.as_posix)
    listing.folders.sort(key=Path.as_posix)
    return listing


def _inside(place: Path, relative: Path) -> list[str] | None:
    """Return the names in a folder, in order; None for a file."""
    try:
        mode = place.stat().st_mode
        if stat.S_ISDIR(mode):
            if relative.name.casefold() in FOREIGN:
                raise LeftOut("folders of the system's")
            return sorted(os.listdir(place))  # noqa: PTH208 - the names alone
    except OSError:
        lost = place.is_symlink() and not os.path.exists(place)  # noqa: PTH110 - Path's may raise
        raise LeftOut("links that lead nowhere" if lost else "cannot be opened") from None
    if not stat.S_ISREG(mode):
        raise LeftOut("neither files nor folders")
    return None


def _add_file(listing: Listing, path: Path) -> None:
    if path.name.lower().endswith(ENDINGS):
        listing.images.append(path)
    else:
        listing.other_endings[printable(path.suffix.lower()) or "without any"] += 1
