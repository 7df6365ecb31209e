"""Arrays of images on disk that need not fit into memory."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from autoencoders.keys import Bytes

AT_ONCE = 64 * 2**20  # bytes copied


class Growing:
    """An npy file of uint8 `(N, *shape)` that gets row after row; whole when it is closed."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.count = 0
        self.stream = path.open("wb")
        self._write_header()

    def append(self, rows: Bytes) -> None:
        """Add `(n, *shape)`."""
        self.stream.write(rows.tobytes())
        self.count += len(rows)

    def _write_header(self) -> None:
        """Write the header where it belongs: NumPy leaves room in it for any number of rows."""
        self.stream.seek(0)
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, *self.shape)}
        np.lib.format.write_array_header_1_0(self.stream, header)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file, with the number of its rows in it."""
        self._write_header()
        self.stream.close()


def write_rows(path: Path, images: Bytes, rows: npt.NDArray[np.integer]) -> None:
    """Write `images[rows]` as an npy file, byte for byte as `np.save` does, a part at a time."""
    written = np.lib.format.open_memmap(path, "w+", np.uint8, (len(rows), *images.shape[1:]))
    at_once = max(1, AT_ONCE // max(1, images[:1].nbytes))
    for start in range(0, len(rows), at_once):
        written[start : start + at_once] = images[rows[start : start + at_once]]
    written.flush()
