"""Archives like CIFAR-10's."""

import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoencoders.sources import cifar


def write_cifar(archive: Path, batches: dict[str, bytes]) -> None:
    """Write an archive like CIFAR-10's with these pickles as its batches."""
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def pickled(images: npt.NDArray[np.uint8], labels: list[int]) -> bytes:
    """Pickle a batch, `(N, 3072)`, opcode by opcode as Python 2 did: it shows in `pickletools`."""

    def text(content: bytes) -> bytes:  # what Python 2 called a string
        return pickle.BINSTRING + struct.pack("<i", len(content)) + content

    def number(value: int) -> bytes:
        return pickle.BININT + struct.pack("<i", value)

    def several(*parts: bytes) -> bytes:
        return pickle.MARK + b"".join(parts) + pickle.TUPLE

    def call(function: bytes, *arguments: bytes) -> bytes:
        return pickle.GLOBAL + function + b"\n" + several(*arguments) + pickle.REDUCE

    kind = call(b"numpy\ndtype", text(b"u1"), number(0), number(1))
    nothing, false = pickle.NONE, pickle.NEWFALSE
    state = (number(3), text(b"|"), nothing, nothing, nothing, number(-1), number(-1), number(0))
    kind += several(*state) + pickle.BUILD
    array = call(
        b"numpy.core.multiarray\n_reconstruct",
        pickle.GLOBAL + b"numpy\nndarray\n",
        several(number(0)),
        text(b"b"),
    )
    shape = several(*(number(size) for size in images.shape))
    array += several(number(1), shape, kind, false, text(images.tobytes())) + pickle.BUILD
    listed = pickle.EMPTY_LIST + pickle.MARK + b"".join(map(number, labels)) + pickle.APPENDS
    entries = text(b"data") + array + text(b"labels") + listed
    whole = pickle.EMPTY_DICT + pickle.MARK + entries + pickle.SETITEMS
    return pickle.PROTO + b"\x02" + whole + pickle.STOP
