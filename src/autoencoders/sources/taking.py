"""What is taken of a folder of image files, and the fetched arrays that become of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoencoders.errors import UserError, warn
from autoencoders.keys import Bytes, Misfits
from autoencoders.sources.arrays import growing, write_rows
from autoencoders.sources.cutting import Cutter, cut_all
from autoencoders.sources.fetched import NPY_FILES
from autoencoders.sources.listing import shown
from autoencoders.sources.names import printable
from autoencoders.sources.pictures import Unfit

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Taken:
    """What was taken of the files that fit: their images in one npy file, one after the other.

    Attributes:
        path: of the npy file.
        files: which of all files these are.
        counts: images of each.
        sha256: of each one's pixels.
    """

    path: Path
    files: list[int]
    counts: list[int]
    sha256: list[bytes]


def take(
    source: Path,
    paths: Sequence[Path],
    tested: Bools,
    cutter: Cutter,
    target: Path,
    seed: int,
    key: str,
    misfits: Misfits,
) -> Taken:
    """Write the images of all files that fit into one npy file, in the order of the paths.

    Raises:
        UserError: files do not fit, and `misfits` does not say to skip them.
    """
    taken = Taken(target, [], [], [])
    misfitting: list[str] = []
    longer: list[Path] = []
    seeds = [[seed, 2, *path.as_posix().encode()] for path in paths]
    cuts = cut_all(cutter, [source / path for path in paths], tested.tolist(), seeds)
    with growing(target, (cutter.channels, cutter.size, cutter.size)) as append:
        for i, cut in enumerate(cuts):
            if isinstance(cut, Unfit):
                misfitting.append(f"{printable(str(source / paths[i]))}: {cut}")
                continue
            append(cut.images)
            taken.files.append(i)
            taken.counts.append(len(cut.images))
            taken.sha256.append(cut.sha256)
            longer += [paths[i]] * cut.has_more
    if misfitting:
        _settle(misfitting, len(taken.files), key, cutter, misfits)
    if longer:
        warn(
            f"{key}.folder: {printable(str(source))}: the first frame or page is taken of files "
            f"with several: {len(longer)} ({shown(longer)})"
        )
    return taken


def write(
    folder: Path, taken: Taken, labels: Bytes, tested: Bools, random: np.random.Generator
) -> None:
    """Write the four arrays, mixed, and delete what they are made of.

    `labels` and `tested` are one per file. Images to train on stay together by their file.
    """
    # Figures show the first images of a split: let these be of all classes.
    order = random.permutation(len(labels))
    ends = np.cumsum(taken.counts)
    ranges = [np.arange(end - count, end) for end, count in zip(ends, taken.counts, strict=True)]
    train, test = (
        np.concatenate([ranges[i] for i in part])
        for part in (order[~tested[order]], order[tested[order]])
    )
    if max(taken.counts) > 1:  # the next patch would be the neighbour
        test = random.permutation(test)
    images = np.load(taken.path, mmap_mode="r")
    owners = np.repeat(np.arange(len(labels)), taken.counts)
    names = zip(NPY_FILES[::2], NPY_FILES[1::2], strict=True)
    for (images_name, labels_name), rows in zip(names, (train, test), strict=True):
        write_rows(folder / images_name, images, rows)
        np.save(folder / labels_name, labels[owners[rows]])
    taken.path.unlink()


def _settle(complaints: list[str], kept: int, key: str, cutter: Cutter, misfits: Misfits) -> None:
    """Warn of the files that are skipped, or refuse them all."""
    if misfits == "skip" and kept:
        for complaint in complaints:
            warn(f"skipped {complaint}")
        return
    advice = "remove these files" if misfits == "resize" else f"set {key}.misfits to {cutter.ways}"
    counted = f"{len(complaints)} of {len(complaints) + kept} files are not {cutter.wanted}"
    raise UserError(
        "\n".join([*complaints, f"{key}: {counted}; {advice}, or change {key}.{cutter.size_key}"])
    )
