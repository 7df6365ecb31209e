"""MNIST's file format: gzipped IDX (http://yann.lecun.com/exdb/mnist, "The IDX file format")."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from autoencoders.errors import UserError
from autoencoders.keys import Bytes

UNSIGNED_BYTE = 0x08


def write_idx(path: Path, array: Bytes) -> None:
    """Write an array of bytes; the same array gives the same file, byte for byte."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    with (
        path.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, compresslevel=6, mtime=0) as packed,
    ):
        packed.write(header)
        packed.write(np.ascontiguousarray(array).data)


def read_idx(path: Path) -> Bytes:
    """Read an array of bytes: images `(N, 28, 28)` or labels `(N,)`.

    Raises:
        UserError: the file is truncated, altered, or not a gzipped IDX file of bytes.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is truncated or altered: {error}; fetch it again") from error
    start = 4 + 4 * content[3] if len(content) > 3 else 4  # after the magic number and the sizes
    if content[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(content) < start:
        raise UserError(
            f"{path} is not an IDX file of bytes: it begins with {content[:16]!r}; fetch it again"
        )
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    expected, found = math.prod(shape), len(content) - start
    if expected != found:
        raise UserError(
            f"{path} is truncated or altered: its header promises {expected} bytes, "
            f"in the shape {shape}, and it holds {found}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
