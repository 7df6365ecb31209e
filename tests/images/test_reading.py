"""Reading image files: the values of each pixel type, and error messages."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoencoders.images import reading
from autoencoders.images.picture import Samples, UnusableImage, to_depth, to_opaque_planes

HALF = (10, 200, 90)  # a colour, and its blend with white at half transparency
HALF_OVER_WHITE = (132, 227, 172)


def training_image(path: Path, channels: int = 1) -> Samples:
    """Return a file as a training image `(C, H, W)`."""
    return to_depth(to_opaque_planes(reading.read_image(path, first_frame=True), channels), 8)


def read(path: Path, channels: int = 3) -> list[Any]:
    """Return the colours or greys in the first row of an image."""
    pixels = training_image(path, channels)
    assert pixels.dtype == np.uint8
    row = pixels[:, 0, :].T.tolist()
    return [tuple(pixel) for pixel in row] if channels == 3 else [pixel for (pixel,) in row]


# --- files according to the specifications of their formats


def png(width: int, bits: int, kind: int, row: bytes, height: int = 1, **chunks: bytes) -> bytes:
    """Return a PNG of one row; `kind` is 0 for grey, 2 for colours, 3 for a palette, 4 and 6 with
    alpha.
    """

    def chunk(name: str, content: bytes) -> bytes:
        named = name.encode() + content
        return struct.pack(">I", len(content)) + named + struct.pack(">I", zlib.crc32(named))

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = {"IHDR": header, **chunks, "IDAT": zlib.compress(b"\0" + row), "IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items())


def tiff(width: int, bits: list[int], photometric: int, row: bytes, **tags: list[int]) -> bytes:
    """Return a TIFF of one row of uncompressed pixels, little-endian."""
    numbers = {"planes": 284, "format": 339, "extra": 338}
    entries = {256: [width], 257: [1], 258: bits, 262: [photometric], 273: [0], 277: [len(bits)]}
    entries |= {278: [1], 279: [len(row)]} | {numbers[name]: tags[name] for name in tags}
    end = 8 + 2 + 12 * len(entries) + 4
    listed, beyond = b"", b""
    entries[273] = [end + sum(2 * len(v) for v in entries.values() if len(v) > 2)]
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"<{len(values)}H", *values)
        if len(packed) > 4:
            beyond += packed
            packed = struct.pack("<I", end + len(beyond) - len(packed))
        listed += struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + listed + bytes(4) + beyond + row


def words(*values: int, order: str = ">") -> bytes:
    return struct.pack(f"{order}{len(values)}H", *values)


def by_name(value: object) -> str:
    """Return a parameter's part of the test ID: only text is used."""
    return value if isinstance(value, str) else ""


SIXTEEN = (0, 128, 129, 257, 32768, 65406, 65407, 65535)
AS_BYTES = [0, 0, 1, 1, 128, 254, 255, 255]  # divided by 257 and rounded


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("16-bit PNG", png(8, 16, 0, words(*SIXTEEN)), AS_BYTES),
        ("16-bit TIFF", tiff(8, [16], 1, words(*SIXTEEN, order="<")), AS_BYTES),
        (
            "16-bit TIFF where 0 is white",
            tiff(8, [16], 0, words(*SIXTEEN, order="<")),
            [255 - value for value in AS_BYTES],
        ),
        ("12-bit TIFF", tiff(2, [12], 1, bytes([0xFF, 0xF0, 0x08])), [255, 0]),
        ("16-bit PGM", b"P5 8 1 65535\n" + words(*SIXTEEN), AS_BYTES),
        ("10-bit PGM", b"P5 3 1 1023\n" + words(0, 512, 1023), [0, 128, 255]),
        ("7-bit PGM", b"P5 3 1 127\n" + bytes([0, 64, 127]), [0, 129, 255]),
        ("PGM in words", b"P2 3 1 1023\n0 512 1023\n", [0, 128, 255]),
        ("16-bit PPM", b"P6 1 1 65535\n" + words(257, 257, 257), [1]),
        ("4-bit PNG", png(2, 4, 0, b"\x0f"), [0, 255]),
        ("1-bit PNG", png(2, 1, 0, b"\x40"), [0, 255]),
        ("1-bit TIFF where 0 is white", tiff(2, [1], 0, b"\x40"), [255, 0]),
        ("16-bit colours", png(2, 16, 2, words(0, 0, 0, *[65406] * 3)), [0, 254]),
        ("16-bit colours, rounded", png(1, 16, 2, words(*[129] * 3)), [1]),
        ("16-bit colours, clear", png(2, 16, 2, words(*range(6)), tRNS=words(0, 1, 2)), [255, 0]),
        ("float TIFF", tiff(3, [32], 1, struct.pack("<3f", 0, 0.3, 1), format=[3]), [0, 76, 255]),
        ("float PFM", b"Pf 2 1 -1.0\n" + struct.pack("<2f", 0, 1), [0, 255]),
        # Exactly one grey is transparent and becomes white.
        ("16-bit clear", png(3, 16, 0, words(1000, 1001, 0), tRNS=words(1000)), [255, 4, 0]),
        ("8-bit clear", png(3, 8, 0, bytes([9, 10, 0]), tRNS=words(9)), [255, 10, 0]),
        ("4-bit clear", png(2, 4, 0, b"\x56", tRNS=words(5)), [255, 102]),
        ("2-bit clear", png(2, 2, 0, b"\x60", tRNS=words(1)), [255, 170]),
        ("1-bit clear", png(2, 1, 0, b"\x40", tRNS=words(0)), [255, 255]),
        ("premultiplied", tiff(2, [8, 8], 1, bytes([50, 100, 0, 0]), extra=[1]), [205, 255]),
        ("grey with alpha", tiff(2, [8, 8], 1, bytes([7, 255, 7, 0]), extra=[2]), [7, 255]),
        ("16-bit grey with alpha", png(2, 16, 4, words(0, 65535, 0, 0)), [0, 255]),
    ],
    ids=by_name,
)
def test_greys(tmp_path: Path, name: str, content: bytes, expected: list[int]) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read(tmp_path / "a", channels=1) == expected
    assert read(tmp_path / "a", channels=3) == [(grey,) * 3 for grey in expected]


TWO = bytes([*HALF, 1, 2, 3])
CMYK_TIFF = tiff(3, [8] * 4, 5, bytes([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255]))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("palette", png(2, 8, 3, b"\0\1", PLTE=TWO), [HALF, (1, 2, 3)]),
        (
            "palette, one colour clear",
            png(2, 8, 3, b"\0\1", PLTE=TWO, tRNS=b"\0"),
            [(255, 255, 255), (1, 2, 3)],
        ),
        (
            "palette, half clear",
            png(2, 8, 3, b"\0\1", PLTE=TWO, tRNS=bytes([128, 0])),
            [HALF_OVER_WHITE, (255, 255, 255)],
        ),
        (
            "one colour clear",
            png(2, 8, 2, TWO, tRNS=words(*HALF)),
            [(255, 255, 255), (1, 2, 3)],
        ),
        (
            "alpha",
            png(3, 8, 6, bytes([*HALF, 255, *HALF, 128, *HALF, 0])),
            [HALF, HALF_OVER_WHITE, (255, 255, 255)],
        ),
        (
            "premultiplied",
            tiff(2, [8] * 4, 2, bytes([*HALF, 255, 5, 100, 45, 128]), extra=[1]),
            [HALF, HALF_OVER_WHITE],
        ),
        ("a fourth channel", tiff(1, [8] * 4, 2, bytes([*HALF, 0]), extra=[0]), [HALF]),
        ("CMYK", CMYK_TIFF, [(255, 255, 255), (0, 255, 255), (0, 0, 0)]),
        ("YCbCr", tiff(2, [8] * 3, 6, bytes([255, 128, 128, 0, 128, 128])), [(255,) * 3, (0,) * 3]),
    ],
    ids=by_name,
)
def test_colours(
    tmp_path: Path, name: str, content: bytes, expected: list[tuple[int, ...]]
) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read(tmp_path / "a") == expected
    (tmp_path / "a.png").write_bytes(b"")
    Image.fromarray(np.array([expected], np.uint8)).convert("L").save(tmp_path / "a.png")
    assert read(tmp_path / "a", channels=1) == read(tmp_path / "a.png", channels=1)


def test_white_and_black_in_lab(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tiff(2, [8] * 3, 8, bytes([255, 0, 0, 0, 0, 0])))
    np.testing.assert_allclose(read(tmp_path / "a"), [(255,) * 3, (0,) * 3], atol=1)


def test_adobes_inverted_cmyk_is_read_correctly(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(tmp_path / "a.jpg")
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()
    assert read(tmp_path / "a.jpg")[0] == (255, 255, 255)


# --- orientation

ARROW = np.array([[0, 40, 80], [120, 160, 200]], np.uint8)
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("ending", ["png", "tiff", "webp", "jpg"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photo_is_turned_upright(tmp_path: Path, ending: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, dict[str, Any]] = {"webp": {"lossless": True}, "jpg": {"quality": 100}}
    Image.fromarray(ARROW).save(tmp_path / f"a.{ending}", exif=exif, **lossless.get(ending, {}))
    found = training_image(tmp_path / f"a.{ending}")[0]
    np.testing.assert_allclose(found, UPRIGHT[orientation](ARROW), atol=1)


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0II*\0", b"no EXIF at all", b"\xff"])
def test_an_image_with_damaged_exif_is_read(tmp_path: Path, exif: bytes) -> None:
    Image.fromarray(ARROW).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(training_image(tmp_path / "a.png")[0], ARROW)


# --- several frames, large images


@pytest.mark.parametrize("ending", ["gif", "tiff", "png", "webp"])
def test_the_first_of_several_frames_is_read_on_request(tmp_path: Path, ending: str) -> None:
    one, two = (Image.new("RGB", (8, 8), (grey,) * 3) for grey in (255, 0))
    one.save(tmp_path / f"one.{ending}")
    one.save(tmp_path / f"two.{ending}", save_all=True, append_images=[two])
    for name, has_more in (("one", False), ("two", True)):
        picture = reading.read_image(tmp_path / f"{name}.{ending}", first_frame=True)
        assert picture.has_more == has_more
        assert (picture.planes == 255).all()
    with pytest.raises(UnusableImage, match=r"^contains several frames; save"):
        reading.read_image(tmp_path / f"two.{ending}")


def test_pillows_warnings_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    Image.fromarray(ARROW).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", ARROW.size - 1)
    assert training_image(tmp_path / "a.png").shape == (1, 2, 3)
    assert not recwarn.list


# --- errors

FLOATS = struct.pack("<2f", 0.0, 255.0)
COMPLETE = png(1000, 8, 0, np.random.default_rng(0).bytes(1000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Pf 2 1 -1.0\n" + FLOATS, "^float pixels"),
        (tiff(2, [64], 1, bytes(16), format=[3]), "type of TIFF .* save it with 8 or 16 bits"),
        (tiff(2, [32], 1, struct.pack("<2I", 0, 2**31)), "^32-bit pixels; save it"),
        (tiff(2, [16], 1, struct.pack("<2h", -1, 1), format=[2]), "^signed pixel values; save it"),
        (tiff(2, [8], 1, struct.pack("<2b", -1, 1), format=[2]), "^signed pixel values; save it"),
        (
            tiff(1, [16] * 4, 2, bytes(8), planes=[2], extra=[1]),
            "^16-bit channels in separate planes; sav",
        ),
        (b"", r"^cannot be read as an image \(the file is empty\)$"),
        (
            b"a text",
            r"^cannot be read as an image \(damaged, or in a format that Pillow .*\)$",
        ),
        (COMPLETE[:30], r"^cannot be read as an image \(damaged, or in a format"),
        (COMPLETE[:500], r"^cannot be read as an image \(image file is truncated"),
        (
            png(20000, 8, 0, b"", height=10000),
            r"200000000 pixels\) exceeds limit of \d+ pixels, .*; scale it down\)$",
        ),
    ],
    ids=by_name,
)
def test_errors_are_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnusableImage, match=message) as caught:
        reading.read_image(tmp_path / "a.png")
    assert len(str(caught.value).splitlines()) == 1
