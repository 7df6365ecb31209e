"""Which image files people mean by files, folders and patterns."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoencoders.errors import UserError, warn
from autoencoders.sources.listing import ENDINGS, list_images
from autoencoders.sources.names import printable


@dataclass(frozen=True)
class Given:
    """An image file, and its path `below` the folder that was given; where it was, its name."""

    path: Path
    below: Path

    @property
    def label(self) -> str | None:
        """Return the name of the class folder that the file lies in; None where it lies in none."""
        return printable(self.below.parent.name) or None


def gather(arguments: Sequence[Path], to: Path) -> tuple[list[Given], list[str]]:
    """Return the files that paths mean, each once, and a line for each path that means none.

    Folders are walked, but for `to` in them, where earlier outputs lie. A path with *, ? or [ that
    is no file is a pattern, as shells have it, where ** is any number of folders.
    """
    found: dict[str, Given] = {}  # by what they lead to
    complaints = []
    for place in (place for argument in arguments for place in _places(argument)):
        try:
            for given in _meant(place, to):
                found.setdefault(os.path.realpath(given.path), given)
        except UserError as complaint:
            complaints.append(f"{printable(str(place))}: {complaint}")
    return list(found.values()), complaints


def _places(argument: Path) -> list[Path]:
    """Return the files and folders that match a pattern, or else what was given."""
    if os.path.lexists(argument) or not glob.has_magic(str(argument)):
        return [argument]
    matches = glob.glob(str(argument), recursive=True)  # noqa: PTH207 - absolute
    return [Path(match) for match in sorted(matches)] or [argument]


def _meant(place: Path, to: Path) -> Iterator[Given]:
    if os.path.isdir(place):  # noqa: PTH112 - Path's raises on too long a name
        yield from _inside(place, to)
    elif glob.has_magic(str(place)) and not os.path.lexists(place):
        raise UserError("no file matches this pattern")
    else:
        yield Given(place, Path(place.name))


def _inside(folder: Path, to: Path) -> Iterator[Given]:
    own = Path(os.path.realpath(to))
    if own == Path(os.path.realpath(folder)):
        raise UserError("is the folder to write into; allowed: another one for --to")
    listing = list_images(folder)
    if listing.left_out:
        kinds = replace(listing, other_endings=Counter()).losses()
        warn(f"{printable(str(folder))}: not looked at: {kinds}")
    images = [
        Given(folder / below, below)
        for below in listing.images
        if not Path(os.path.realpath(folder / below)).is_relative_to(own)
    ]
    if not images:
        raise UserError(f"holds no image; looked for: {', '.join(ENDINGS)}")
    yield from images
