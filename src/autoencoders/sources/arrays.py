"""Arrays of images on disk that need not fit into memory."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoencoders.keys import Bytes

AT_ONCE = 64 * 2**20  # bytes copied


def write_rows(path: Path, images: Bytes, rows: npt.NDArray[np.integer]) -> None:
    """Write `images[rows]` as an npy file, byte for byte as `np.save` does, a part at a time."""
    written = np.lib.format.open_memmap(path, "w+", np.uint8, (len(rows), *images.shape[1:]))
    at_once = max(1, AT_ONCE // max(1, images[:1].nbytes))
    for start in range(0, len(rows), at_once):
        written[start : start + at_once] = images[rows[start : start + at_once]]
    written.flush()
