"""Arrays of images of one size, made from image files: whole images or patches of them."""

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
from autoencoders.limits import available_cores
from autoencoders.param_types import Bytes, ImageShape, Misfits

Bools = npt.NDArray[np.bool_]

FILES_AT_ONCE = 64  # in memory


@dataclass(frozen=True)
class ImageExtractor:
    """Extracts images or patches `(channels, size, size)` from the pixels of a file.

    Attributes:
        size: height and width in pixels.
        channels: 1 for grey images, 3 for colour images.
        misfits: the treatment of files that cannot be read or have another size: `refuse` all,
            `skip` them with a warning, or `resize` those of another size (crop the central square,
            then resample it with a Lanczos filter) and refuse unreadable files.
        per_image: the number of patches from each training image, at random positions and without
            resampling; a test image gives all patches of a grid that starts in the upper left
            corner. None: the whole image is used.
        turned: each training patch is rotated and mirrored at random.
    """

    size: int
    channels: int
    misfits: Misfits = "refuse"
    per_image: int | None = None
    turned: bool = False

    def extract(self, pixels: Bytes, is_test: bool, random: np.random.Generator) -> Bytes:
        """Return the images `(n, C, size, size)` from a file's pixels `(C, H, W)`, all uint8.

        Raises:
            UnusableImage: the pixels have the wrong size.
        """
        _, height, width = pixels.shape
        if self.per_image is None:
            if (height, width) != (self.size, self.size):
                raise UnusableImage(f"{width}×{height} pixels")
            return pixels[None]
        if min(height, width) < self.size:
            raise UnusableImage(f"{width}×{height} pixels, smaller than a patch")
        patches = sliding_window_view(pixels, (self.size, self.size), axis=(1, 2))
        if is_test:
            grid = np.moveaxis(patches[:, :: self.size, :: self.size], 0, 2)
            return grid.reshape(-1, *grid.shape[2:])
        return np.stack([self._random_patch(patches, random) for _ in range(self.per_image)])

    def _random_patch(self, patches: Bytes, random: np.random.Generator) -> Bytes:
        """Return a patch `(C, size, size)` from all patches `(C, H, W, size, size)` of an image."""
        patch = patches[:, *random.integers(patches.shape[1:3])]
        symmetry = int(random.integers(8)) if self.turned else 0
        turned = np.rot90(patch, symmetry % 4, axes=(1, 2))
        return turned[:, :, ::-1] if symmetry >= 4 else turned


class FileImages(NamedTuple):
    """The `images` `(n, C, H, W)` from a file, the SHA-256 of its pixels, and `has_more` frames."""

    images: Bytes
    sha256: str
    has_more: bool


def pack_images(
    source: Path,
    paths: Sequence[Path],
    is_test: Bools,
    extractor: ImageExtractor,
    target: Path,
    seed: int,
    key: str,
) -> tuple[list[int], list[int], list[str]]:
    """Write the images of all usable files to the file `target`, as bytes, in order.

    `paths` are relative to `source`; `is_test` `(N,)` is true for those in the test set. Messages
    contain `key`, the dataset's key in params.yaml.

    Returns:
        For each usable file: its index, the number of its images, and the SHA-256 of its pixels.

    Raises:
        UserError: files are not usable, and the extractor does not skip them.
    """
    usable, counts, digests = list[int](), list[int](), list[str]()
    complaints: list[str] = []
    multi_frame: list[Path] = []
    seeds = [[seed, 2, *os.fsencode(path.as_posix())] for path in paths]
    results = _extract_all(extractor, [source / path for path in paths], is_test.tolist(), seeds)
    with target.open("wb") as stream:
        for i, result in enumerate(results):
            if isinstance(result, UnusableImage):
                complaints.append(f"{printable(str(source / paths[i]))}: {result}")
                continue
            stream.write(result.images.tobytes())
            usable.append(i)
            counts.append(len(result.images))
            digests.append(result.sha256)
            multi_frame += [paths[i]] * result.has_more
    if complaints:
        _report_unusable(complaints, len(usable), key, extractor)
    if multi_frame:
        warn(
            f"{key}.folder: {printable(str(source))}: only the first frame or page was read from "
            f"files with several: {len(multi_frame)} ({format_examples(multi_frame)})"
        )
    return usable, counts, digests


def write_splits(
    folder: Path,
    packed: Path,
    shape: ImageShape,
    counts: Sequence[int],
    labels: Bytes,
    is_test: Bools,
    random: np.random.Generator,
) -> None:
    """Write the four arrays in random order and delete `packed`, the file of `pack_images`.

    Images have the `shape` `(C, H, W)`. `counts`, `labels` and `is_test` have one value per file.
    Training images of the same file stay together.
    """
    # Figures show the first images of a split: a random order mixes the classes.
    order = random.permutation(len(labels))
    owners = np.repeat(np.arange(len(labels)), counts)
    ranges = np.split(np.arange(len(owners)), np.cumsum(counts)[:-1])
    train = np.concatenate([ranges[i] for i in order if not is_test[i]])
    test = np.concatenate([ranges[i] for i in order if is_test[i]])
    if max(counts) > 1:  # separates neighbouring patches, which look alike
        test = random.permutation(test)
    try:
        content: Bytes = np.memmap(packed, np.uint8, "r")
    except OSError:  # this file system cannot map files
        content = np.fromfile(packed, np.uint8)
    images = content.reshape(len(owners), *shape)
    names = zip(NPY_FILES[::2], NPY_FILES[1::2], strict=True)
    for (images_name, labels_name), rows in zip(names, (train, test), strict=True):
        write_rows(folder / images_name, images, rows)
        np.save(folder / labels_name, labels[owners[rows]])
    packed.unlink()


def _extract_all(
    extractor: ImageExtractor,
    paths: Sequence[Path],
    is_test: Sequence[bool],
    seeds: Sequence[Sequence[int]],
) -> Iterator[FileImages | UnusableImage]:
    """Yield the images of each file, or the reason why it is unusable, in order.

    The files are read in threads, a few at a time. A terminal shows a progress bar.
    """
    size = (extractor.size, extractor.size) if extractor.misfits == "resize" else None

    def extract(path: Path, test: bool, seed: Sequence[int]) -> FileImages | UnusableImage:
        try:
            picture = read_image(path, first_frame=True)
            planes = to_opaque_planes(picture, extractor.channels, size)
            pixels = np.asarray(to_depth(planes, 8), np.uint8)  # rounded only once, at the end
            images = extractor.extract(pixels, test, np.random.default_rng(seed))
        except UnusableImage as reason:
            return reason
        digest = hashlib.sha256(str(pixels.shape).encode())
        digest.update(pixels.tobytes())
        return FileImages(images, digest.hexdigest(), picture.has_more)

    with (
        warnings.catch_warnings(),  # not inside the threads, where it is not safe
        ThreadPoolExecutor(available_cores()) as pool,
        tqdm(total=len(paths), desc="images", unit="", disable=None) as bar,
    ):
        warnings.simplefilter("ignore")
        for start in range(0, len(paths), FILES_AT_ONCE):
            part = slice(start, start + FILES_AT_ONCE)
            for result in pool.map(extract, paths[part], is_test[part], seeds[part]):
                bar.update()
                yield result


def _report_unusable(
    complaints: list[str], n_usable: int, key: str, extractor: ImageExtractor
) -> None:
    """Warn of skipped files, or raise a `UserError` that lists all unusable files."""
    if extractor.misfits == "skip" and n_usable:
        for complaint in complaints:
            warn(f"skipped {complaint}")
        return
    size = f"{extractor.size}×{extractor.size}"
    if extractor.per_image is None:
        expected, choices, side_key = f"{size} images", "skip or resize", "side"
    else:
        expected, choices, side_key = f"images of at least {size} pixels", "skip", "patches.side"
    resizing = extractor.misfits == "resize"
    advice = "remove these files" if resizing else f"set {key}.misfits to {choices}"
    found = f"{len(complaints)} of {len(complaints) + n_usable} files are not {expected}"
    raise UserError(
        "\n".join([*complaints, f"{key}: {found}; {advice}, or change {key}.{side_key}"])
    )
