"""A dataset's prepared splits, each file read once."""

from functools import cached_property
from pathlib import Path

from autoencoders.data import splits
from autoencoders.data.splits import Metadata
from autoencoders.lazy import Tensor, torch


class Prepared:
    """The splits of a dataset: verified and opened when first asked for, and kept.

    Images are uint8 `(N, C, H, W)`, left on disk until they are indexed; labels int64 `(N,)`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._opened: dict[str, tuple[Tensor, Tensor]] = {}

    @cached_property
    def metadata(self) -> Metadata:
        """Return what the splits hold."""
        return splits.load_metadata(self.folder)

    def images(self, split: str) -> Tensor:
        """Return a split's images."""
        return self._open(split)[0]

    def labels(self, split: str) -> Tensor:
        """Return the classes of a split's images."""
        return self._open(split)[1]

    def _open(self, split: str) -> tuple[Tensor, Tensor]:
        if split not in self._opened:
            images, labels = splits.load(self.folder, split, mmap=True)
            self._opened[split] = torch.from_numpy(images), torch.from_numpy(labels).long()
        return self._opened[split]
