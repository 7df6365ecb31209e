"""Image files into arrays of one size: each as a whole, or as patches at its own resolution."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from autoencoders.keys import Bytes
from autoencoders.sources import pictures
from autoencoders.sources.pictures import Unfit

AT_ONCE = 64  # files in memory


@dataclass(frozen=True)
class Cut:
    """What is taken of an image file: images `(n, C, size, size)`; and what is to know of it.

    Attributes:
        images: to train or to test on.
        sha256: of all of the file's pixels.
        has_more: the file holds more images after this one.
    """

    images: Bytes
    sha256: bytes
    has_more: bool


class Cutter(Protocol):
    """Takes an image file, one to test on or to train on, to the images that it gives.

    What is random comes from the generator. Raises `Unfit` where a file gives none.

    Attributes:
        size: height and width of the images.
        channels: of the images.
        per_image: how many each file to train on gives.
        wanted: what a file must be.
        ways: what may become of files that are not, beside being refused.
        size_key: where the size stands in params.yaml.
    """

    size: int
    channels: int
    per_image: int
    wanted: str
    ways: str
    size_key: str

    def __call__(self, path: Path, tested: bool, random: np.random.Generator) -> Cut:
        """Return what is taken of a file."""
        ...


class Whole:
    """Takes an image as it is, of `size`×`size` pixels; others are `resize`d, or unfit."""

    per_image = 1
    ways = "skip or resize"
    size_key = "size"

    def __init__(self, size: int, channels: int, resize: bool) -> None:
        self.size = size
        self.wanted = f"{size}×{size} images"
        self.channels = channels
        self.resize = resize

    def __call__(self, path: Path, tested: bool, random: np.random.Generator) -> Cut:
        """Return the one image."""
        picture = pictures.read(path, self.channels, self.size if self.resize else None)
        _, height, width = picture.pixels.shape
        if (height, width) != (self.size, self.size):
            raise Unfit(f"{width}×{height} pixels")
        return _cut(picture, picture.pixels[None])


class Patches:
    """Takes patches of `size`×`size` pixels from an image, at its own resolution.

    To train on, `per_image` of them from anywhere, each turned and mirrored at random where they
    are to be `turned`; to test on, those of a grid that begins in the upper left corner.
    """

    ways = "skip"
    size_key = "patches.size"

    def __init__(self, size: int, channels: int, per_image: int, turned: bool) -> None:
        self.size = size
        self.wanted = f"images of at least {size}×{size} pixels"
        self.channels = channels
        self.per_image = per_image
        self.turned = turned

    def __call__(self, path: Path, tested: bool, random: np.random.Generator) -> Cut:
        """Return the patches."""
        picture = pictures.read(path, self.channels)
        _, height, width = picture.pixels.shape
        if min(height, width) < self.size:
            raise Unfit(f"{width}×{height} pixels, smaller than a patch")
        cut = self._grid if tested else self._anywhere
        return _cut(picture, np.stack(list(cut(picture.pixels, random))))

    def _grid(self, pixels: Bytes, random: np.random.Generator) -> Iterator[Bytes]:
        _, height, width = pixels.shape
        for top in range(0, height - self.size + 1, self.size):
            for left in range(0, width - self.size + 1, self.size):
                yield self._patch(pixels, top, left)

    def _anywhere(self, pixels: Bytes, random: np.random.Generator) -> Iterator[Bytes]:
        _, height, width = pixels.shape
        for _ in range(self.per_image):
            top, left = random.integers((height - self.size + 1, width - self.size + 1))
            patch = self._patch(pixels, top, left)
            yield _turned(patch, int(random.integers(8))) if self.turned else patch

    def _patch(self, pixels: Bytes, top: int, left: int) -> Bytes:
        return pixels[:, top : top + self.size, left : left + self.size]


def _turned(patch: Bytes, way: int) -> Bytes:
    """Return a patch turned and mirrored one of eight ways."""
    turned = np.rot90(patch, way % 4, axes=(1, 2))
    return turned[:, :, ::-1] if way >= 4 else turned


def _cut(picture: pictures.Picture, images: Bytes) -> Cut:
    digest = hashlib.sha256(str(picture.pixels.shape).encode())
    digest.update(picture.pixels.tobytes())
    return Cut(images, digest.digest(), picture.has_more)


def cut_all(
    cutter: Cutter, paths: Sequence[Path], tested: Sequence[bool], seeds: Sequence[Sequence[int]]
) -> Iterator[Cut | Unfit]:
    """Yield what each file gives, or why it gives nothing, in order; read on all cores.

    Few files are in memory at a time. On a terminal there is a bar.
    """

    def one(path: Path, is_tested: bool, seed: Sequence[int]) -> Cut | Unfit:
        try:
            return cutter(path, is_tested, np.random.default_rng(seed))
        except Unfit as reason:
            return reason

    with (
        warnings.catch_warnings(),  # once for all: threads that each do may undo one another's
        ThreadPoolExecutor() as pool,
        tqdm(total=len(paths), desc="images", unit="", disable=None) as bar,
    ):
        warnings.simplefilter("ignore")
        for start in range(0, len(paths), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            for outcome in pool.map(one, paths[some], tested[some], seeds[some]):
                bar.update()
                yield outcome
