"""CIFAR-10's file format: pickles in a tar (https://www.cs.toronto.edu/~kriz/cifar.html)."""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import multiarray

from autoencoders.errors import UserError
from autoencoders.keys import Bytes
from autoencoders.sources.names import printable

ARCHIVE = "cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = ("test_batch",)

# All that the published pickles name: what rebuilds an array of bytes.
ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read_batches(archive: Path, names: tuple[str, ...]) -> tuple[Bytes, Bytes]:
    """Read images `(N, 3, 32, 32)` and labels `(N,)` of some batches, one after another.

    Raises:
        UserError: the archive is not what was published.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            batches = [_unpickle(_content(tar, f"{FOLDER}/{name}")) for name in names]
        images = np.concatenate([batch["data"] for batch in batches])
        labels = np.concatenate([np.array(batch["labels"], np.uint8) for batch in batches])
        return images.reshape(len(labels), 3, 32, 32), labels
    except Exception as error:  # damaged archives and pickles may raise anything
        raise UserError(
            f"{archive} is not CIFAR-10 as published: {printable(str(error))}; fetch it again"
        ) from error


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is not a file")
    return member.read()


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that can build arrays and plain values, and call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ALLOWED[module, name]


def _unpickle(content: bytes) -> Any:
    # Python 2 wrote these: its byte strings become text, and an array's bytes are text too.
    return _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
