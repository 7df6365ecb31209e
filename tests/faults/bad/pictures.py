"""Pictures to spoil: drawn at random from their path, no two alike."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.faults.case import Change


def draw(path: Path, size: tuple[int, int] = (28, 28), mode: str = "L", **options: Any) -> None:
    """Write one picture, in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(
        zlib.crc32(path.name.encode("utf-8", "surrogateescape")) + len(path.parts)
    )
    pixels = random.integers(0, 256, (size[1], size[0]), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)


def pictures(
    folder: str, n: int = 8, ending: str = "png", size: tuple[int, int] = (28, 28)
) -> Change:
    """Draw pictures `0.png`, `1.png`, … in a folder."""

    def change(world: Path) -> None:
        for i in range(n):
            name = f"{folder.replace('/', '-')}-{i}.{ending}"
            draw(world / folder / name, size)

    return change


def picture(path: str, size: tuple[int, int] = (28, 28), mode: str = "L", **options: Any) -> Change:
    """Draw one picture."""
    return lambda world: draw(world / path, size, mode, **options)


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file that unpacks to so many grey pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(packed.compress(row * 100) for _ in range(height // 100)) + packed.flush()
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )
