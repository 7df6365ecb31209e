"""Arrays of images on disk that need not fit into memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from autoencoders.keys import Bytes

AT_ONCE = 64 * 2**20  # bytes copied


@contextmanager
def growing(path: Path, shape: tuple[int, ...]) -> Iterator[Callable[[Bytes], None]]:
    """Yield what adds `(n, *shape)` to an npy file of uint8 `(N, *shape)`, whole afterwards."""
    with path.open("wb") as stream:
        count = 0

        def append(rows: Bytes) -> None:
            nonlocal count
            stream.write(rows.tobytes())
            count += len(rows)

        _write_header(stream, (0, *shape))
        yield append
        _write_header(stream, (count, *shape))


def _write_header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header where it belongs: NumPy leaves room in it for any number of rows."""
    stream.seek(0)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


def write_rows(path: Path, images: Bytes, rows: npt.NDArray[np.integer]) -> None:
    """Write `images[rows]` as an npy file, byte for byte as `np.save` does, a part at a time."""
    written = np.lib.format.open_memmap(path, "w+", np.uint8, (len(rows), *images.shape[1:]))
    at_once = max(1, AT_ONCE // max(1, images[:1].nbytes))
    for start in range(0, len(rows), at_once):
        written[start : start + at_once] = images[rows[start : start + at_once]]
    written.flush()
