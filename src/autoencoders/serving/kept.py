"""The last images that were made, to be had in other formats without being made again."""

from pathlib import Path

MOST = 4  # images: one for each page that is open, as people have few


class Kept:
    """A few image files in a folder, by their tickets; the newest push out the oldest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tickets: list[str] = []

    def put(self, ticket: str, content: bytes) -> None:
        """Keep an image file."""
        (self._folder / ticket).write_bytes(content)
        self._tickets = [*(old for old in self._tickets if old != ticket), ticket]
        while len(self._tickets) > MOST:
            (self._folder / self._tickets.pop(0)).unlink()

    def file(self, ticket: str) -> Path | None:
        """Return the image file of a ticket; None where there is none, or no more."""
        return self._folder / ticket if ticket in self._tickets else None
