"""Colours, and greys with alpha, of 16 bits per channel: exact reading and writing."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from autoencoders.images.output_paths import may_replace
from autoencoders.images.picture import Picture, Samples, UnusableImage
from autoencoders.images.reading import read_image
from autoencoders.images.writing import written_depth
from tests.images.test_picture import write
from tests.images.test_reading import png as written

Deep = npt.NDArray[np.uint16]

SIZES = ((6, 8), (1, 1), (1, 5000), (130, 3))
ORIGIN = "autoencoders test"


def drawn(channels: int, size: tuple[int, int] = (6, 8)) -> Deep:
    """Return an image `(H, W, C)` with random upper and lower bytes."""
    return np.random.default_rng(channels).integers(0, 2**16, (*size, channels), np.uint16)


def png(values: Deep, **chunks: bytes) -> bytes:
    """Return a PNG file according to the specification, with additional chunks."""
    height, width, channels = values.shape
    rows = b"\0".join(row.astype(">u2").tobytes() for row in values)
    return written(width, 16, {2: 4, 3: 2, 4: 6}[channels], rows, height, **chunks)


def tiff(path: Path, values: Deep, **options: Any) -> Path:
    alpha = ["unassalpha"] * (values.shape[2] - 3)
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=alpha, **options)
    return path


def lzw(data: bytes) -> bytes:
    """Return bytes in TIFF's LZW: each is one code, and every 250 bytes start a new table."""
    codes = [
        code for start in range(0, len(data), 250) for code in (256, *data[start : start + 250])
    ]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def all_channels(found: Picture) -> Samples:
    """Return all channels of a picture `(H, W, C)`."""
    parts = [found.planes] if found.alpha is None else [found.planes, found.alpha]
    return np.concatenate(parts).transpose(1, 2, 0)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_a_png_is_read_and_written_exactly(
    tmp_path: Path, channels: int, size: tuple[int, int]
) -> None:
    values = drawn(channels, size)
    (tmp_path / "a.png").write_bytes(png(values))
    found = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(all_channels(found), values)
    write(tmp_path / "b.png", found)
    assert found.depth == written_depth(found, "png") == 16
    np.testing.assert_array_equal(all_channels(read_image(tmp_path / "b.png")), values)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": "<"},
        {"byteorder": ">"},
        {"byteorder": "<", "compression": "zlib"},
        {"byteorder": ">", "compression": "zlib", "predictor": 2},
        {"rowsperstrip": 2},
    ],
    ids=str,
)
def test_a_tiff_is_read_and_written_exactly(
    tmp_path: Path, channels: int, size: tuple[int, int], options: dict[str, Any]
) -> None:
    values = drawn(channels, size)
    found = read_image(tiff(tmp_path / "a.tif", values, **options))
    np.testing.assert_array_equal(all_channels(found), values)
    write(tmp_path / "b.tif", found)
    assert found.depth == written_depth(found, "tiff") == 16
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), values)


def test_a_tiff_with_photoshops_compression_is_read(tmp_path: Path) -> None:
    values = drawn(3)
    path = tiff(tmp_path / "a.tif", values)
    length, packed = path.stat().st_size, lzw(values.tobytes())
    path.write_bytes(path.read_bytes() + packed)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages.first.aspage().tags
        tags["Compression"].overwrite(5)
        tags["StripOffsets"].overwrite((length,))
        tags["StripByteCounts"].overwrite((len(packed),))
    np.testing.assert_array_equal(all_channels(read_image(tmp_path / "a.tif")), values)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"compression": "zlib"}], ids=str)
def test_a_tiff_with_separate_planes_is_read(
    tmp_path: Path, channels: int, options: dict[str, Any]
) -> None:
    values, turned = drawn(channels), [(274, "H", 1, 6, True)]
    planes = values.transpose(2, 0, 1)
    alpha = ["unassalpha"] * (channels - 3)
    tifffile.imwrite(
        tmp_path / "a.tif",
        planes,
        photometric="rgb",
        planarconfig="separate",
        extrasamples=alpha,
        extratags=turned,
        **options,
    )
    found = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(all_channels(found), np.rot90(values, -1))


def test_grey_with_alpha_is_written_as_colours_in_a_tiff(tmp_path: Path) -> None:
    values = drawn(2)
    (tmp_path / "a.png").write_bytes(png(values))
    write(tmp_path / "b.tif", read_image(tmp_path / "a.png"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), values[..., [0, 0, 0, 1]])


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_an_output_is_recognised_and_keeps_its_colour_profile(tmp_path: Path, ending: str) -> None:
    target, planes = tmp_path / f"a.{ending}", drawn(3).transpose(2, 0, 1)
    write(target, Picture(planes, depth=16, profile=b"a profile"))
    assert may_replace(target, ORIGIN)
    assert not may_replace(target, f"{ORIGIN} another")
    assert read_image(target).profile == b"a profile"


def test_orientation_is_applied_once(tmp_path: Path) -> None:
    values, exif = drawn(4), Image.Exif()
    exif[274] = 6
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "a.png").write_bytes(png(values, eXIf=chunk))
    orientation = 274, "H", 1, 6, True
    turned = tiff(tmp_path / "a.tif", values, extratags=[orientation])
    for path in (tmp_path / "a.png", turned):
        np.testing.assert_array_equal(all_channels(read_image(path)), np.rot90(values, -1))


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    content = png(drawn(3, (130, 30)))
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnusableImage, match="cannot be read as an image"):
        read_image(tmp_path / "a.png")


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    values = drawn(3)
    transparent = values[2, 1].astype(">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(values, tRNS=transparent))
    found = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(found.planes.transpose(1, 2, 0), values)
    assert found.alpha is not None
    assert np.argwhere(found.alpha[0] == 0).tolist() == [[2, 1]]
    assert found.alpha.max() == 65535
