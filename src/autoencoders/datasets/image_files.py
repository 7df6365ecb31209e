"""Image files into arrays of one size: each as a whole, or as patches at its own resolution."""

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from tqdm import tqdm

from autoencoders.datasets.raw_files import NPY_FILES, write_rows
from autoencoders.errors import UserError, warn
from autoencoders.images.file_names import printable
from autoencoders.images.listing import format_examples
from autoencoders.images.picture import UnusableImage, to_depth, to_opaque_planes
from autoencoders.images.reading import read_image
from autoencoders.param_types import Bytes, ImageShape, Misfits

Bools = npt.NDArray[np.bool_]

AT_ONCE = 64  # files in memory


@dataclass(frozen=True)
class ImageExtractor:
    """What is taken of an image: images of `size`×`size` pixels and so many `channels`.

    Attributes:
        size: height and width.
        channels: 1 makes all grey, 3 colour.
        misfits: what becomes of files that cannot be read or are of another size: `refuse` any of
            them, `skip` them with a warning, or `resize` those of another size (cut to the square
            in their middle, then resampled by Lanczos' filter) and refuse the unreadable.
        per_image: so many patches are taken of each image to train on, from anywhere at its own
            resolution; to test on, those of a grid that begins in the upper left corner. None takes
            the image as a whole.
        turned: each patch to train on is turned and mirrored at random.
    """

    size: int
    channels: int
    misfits: Misfits = "refuse"
    per_image: int | None = None
    turned: bool = False

    def extract(self, pixels: Bytes, tested: bool, random: np.random.Generator) -> Bytes:
        """Return the images `(n, C, size, size)` of pixels `(C, H, W)`, to test or to train on.

        Raises:
            UnusableImage: they give none.
        """
        _, height, width = pixels.shape
        if self.per_image is None:
            if (height, width) != (self.size, self.size):
                raise UnusableImage(f"{width}×{height} pixels")
            return pixels[None]
        if min(height, width) < self.size:
            raise UnusableImage(f"{width}×{height} pixels, smaller than a patch")
        patches = sliding_window_view(pixels, (self.size, self.size), axis=(1, 2))
        if tested:
            grid = np.moveaxis(patches[:, :: self.size, :: self.size], 0, 2)
            return grid.reshape(-1, *grid.shape[2:])
        return np.stack([self._anywhere(patches, random) for _ in range(self.per_image)])

    def _anywhere(self, patches: Bytes, random: np.random.Generator) -> Bytes:
        """Return one of an image's patches `(C, H, W, size, size)`, by its upper left corner."""
        patch = patches[:, *random.integers(patches.shape[1:3])]
        way = int(random.integers(8)) if self.turned else 0
        turned = np.rot90(patch, way % 4, axes=(1, 2))
        return turned[:, :, ::-1] if way >= 4 else turned


class FileImages(NamedTuple):
    """What a file gives: `images`, the SHA-256 of all its pixels, whether it holds more frames."""

    images: Bytes
    sha256: str
    has_more: bool


def pack_images(
    source: Path,
    paths: Sequence[Path],
    tested: Bools,
    extractor: ImageExtractor,
    target: Path,
    seed: int,
    key: str,
) -> tuple[list[int], list[int], list[str]]:
    """Write the bytes of all files' images, of those that fit, in the order of the paths.

    Returns:
        Which files fit, how many images each gave, and the SHA-256 of each one's pixels.

    Raises:
        UserError: files do not fit, and the extractor does not say to skip them.
    """
    fitting, counts, digests = list[int](), list[int](), list[str]()
    misfitting: list[str] = []
    longer: list[Path] = []
    seeds = [[seed, 2, *os.fsencode(path.as_posix())] for path in paths]
    cuts = _cut_all(extractor, [source / path for path in paths], tested.tolist(), seeds)
    with target.open("wb") as stream:
        for i, cut in enumerate(cuts):
            if isinstance(cut, UnusableImage):
                misfitting.append(f"{printable(str(source / paths[i]))}: {cut}")
                continue
            stream.write(cut.images.tobytes())
            fitting.append(i)
            counts.append(len(cut.images))
            digests.append(cut.sha256)
            longer += [paths[i]] * cut.has_more
    if misfitting:
        _settle(misfitting, len(fitting), key, extractor)
    if longer:
        warn(
            f"{key}.folder: {printable(str(source))}: the first frame or page is taken of files "
            f"with several: {len(longer)} ({format_examples(longer)})"
        )
    return fitting, counts, digests


def write_splits(
    folder: Path,
    whole: Path,
    shape: ImageShape,
    counts: Sequence[int],
    labels: Bytes,
    tested: Bools,
    random: np.random.Generator,
) -> None:
    """Write the four arrays, mixed, and delete the file `whole` that `pack` made.

    Images have the `shape` `(C, H, W)`. `counts` of them, `labels` and `tested` are one per file.
    Images to train on stay together by their file.
    """
    # Figures show the first images of a split: let these be of all classes.
    order = random.permutation(len(labels))
    owners = np.repeat(np.arange(len(labels)), counts)
    ranges = np.split(np.arange(len(owners)), np.cumsum(counts)[:-1])
    train = np.concatenate([ranges[i] for i in order if not tested[i]])
    test = np.concatenate([ranges[i] for i in order if tested[i]])
    if max(counts) > 1:  # the next patch would be the neighbour
        test = random.permutation(test)
    images = np.memmap(whole, np.uint8, "r").reshape(len(owners), *shape)
    names = zip(NPY_FILES[::2], NPY_FILES[1::2], strict=True)
    for (images_name, labels_name), rows in zip(names, (train, test), strict=True):
        write_rows(folder / images_name, images, rows)
        np.save(folder / labels_name, labels[owners[rows]])
    whole.unlink()


def _cut_all(
    extractor: ImageExtractor,
    paths: Sequence[Path],
    tested: Sequence[bool],
    seeds: Sequence[Sequence[int]],
) -> Iterator[FileImages | UnusableImage]:
    """Yield what each file gives, or why it gives nothing, in order; read on all cores.

    Few files are in memory at a time. On a terminal there is a bar.
    """
    size = (extractor.size, extractor.size) if extractor.misfits == "resize" else None

    def one(path: Path, is_tested: bool, seed: Sequence[int]) -> FileImages | UnusableImage:
        try:
            picture = read_image(path, first_frame=True)
            seen = to_opaque_planes(picture, extractor.channels, size)
            pixels = np.asarray(to_depth(seen, 8), np.uint8)  # rounded last
            images = extractor.extract(pixels, is_tested, np.random.default_rng(seed))
        except UnusableImage as reason:
            return reason
        digest = hashlib.sha256(str(pixels.shape).encode())
        digest.update(pixels.tobytes())
        return FileImages(images, digest.hexdigest(), picture.has_more)

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


def _settle(complaints: list[str], kept: int, key: str, extractor: ImageExtractor) -> None:
    """Warn of the files that are skipped, or refuse them all."""
    if extractor.misfits == "skip" and kept:
        for complaint in complaints:
            warn(f"skipped {complaint}")
        return
    size = f"{extractor.size}×{extractor.size}"
    if extractor.per_image is None:
        wanted, ways, size_key = f"{size} images", "skip or resize", "size"
    else:
        wanted, ways, size_key = f"images of at least {size} pixels", "skip", "patches.size"
    advice = (
        "remove these files" if extractor.misfits == "resize" else f"set {key}.misfits to {ways}"
    )
    counted = f"{len(complaints)} of {len(complaints) + kept} files are not {wanted}"
    raise UserError(
        "\n".join([*complaints, f"{key}: {counted}; {advice}, or change {key}.{size_key}"])
    )
