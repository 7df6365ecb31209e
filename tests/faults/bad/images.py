"""Image files that are invalid, damaged, too large or of another size, for `apply` and `fetch`."""

import os
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from autoencoders.images.origin import SOFTWARE_NAME, SOFTWARE_TAG
from tests.faults.bad.folders import CLASSES, KEY, PETS
from tests.faults.bad.pictures import bomb, draw, picture
from tests.faults.case import Case, Change
from tests.faults.changes import all_of, folder_instead, halved, linked, nothing, put, written

EPS = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\nshowpage\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"
NO_IMAGE = "not an image|cannot be read|no image"

_case = partial(Case, "images")


def _given(
    name: str,
    bad: Change,
    *says: str,
    file: str = "a.png",
    to: str = "out",
    lines: int = 2,
    changes: tuple[str, ...] = (),
    shell: bool = False,
    variant: str = "conv",
) -> Case:
    """Return a case of bad files for `apply`: the errors list them, and their number is last."""
    command = f"{'autoencoders ' if shell else ''}apply mnist/{variant} {file} --to {to}"
    return _case(
        *(name, command, bad, says or (file, NO_IMAGE)),
        needs="trained" if variant == "conv" else "whole",
        lines=lines,
        changes=changes,
        shell=shell,
    )


def _kept(name: str, bad: Change, *says: str, lines: int = 2, misfits: str = "refuse") -> Case:
    """Return a case of a folder with one bad file: the error contains its name and advice."""
    settings = put("data.datasets", {"pets": PETS | {"misfits": misfits}})
    says = (*says, KEY)
    return _case(
        f"{name}, in a folder", "fetch pets", all_of(CLASSES, settings, bad), says, lines=lines
    )


def _half_a(path: str) -> Change:
    """Draw a picture and keep only the first half of its file."""
    return all_of(picture(path), halved(path))


def _numbers(path: str, fill: float) -> Change:
    """Write a TIFF file with floating-point pixels."""

    def change(world: Path) -> None:
        (world / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((28, 28), fill, np.float32)).save(world / path)

    return change


def _made() -> Image.Exif:
    """Return the EXIF of an output of this program."""
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = f"{SOFTWARE_NAME} mnist/conv"
    return exif


def _fifo(path: str) -> Change:
    return lambda world: os.mkfifo(world / path)


def _wrong_checksum(path: str) -> Change:
    """Draw a PNG and change a byte of its pixels, which makes their checksum wrong."""

    def change(world: Path) -> None:
        draw(world / path)
        content = bytearray((world / path).read_bytes())
        content[content.index(b"IDAT") + 40] ^= 0xFF
        (world / path).write_bytes(content)

    return change


GIVEN = (
    _given(
        "no such file", nothing, "a.png", "no such file|missing|not found|does not exist|cannot"
    ),
    _given("a folder", folder_instead("a.png"), "a.png", "no image", lines=1),
    _given("a text", written("a.png", "no image")),
    _given("half a PNG", _half_a("a.png")),
    _given("a web page", written("a.jpg", "<!DOCTYPE html><html>"), file="a.jpg"),
    _given(
        "a drawing", written("a.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>'), file="a.svg"
    ),
    _given("a page of a document", written("a.pdf", "%PDF-1.7\n"), file="a.pdf"),
    _given("an archive", written("a.zip", b"PK\3\4"), file="a.zip"),
    _given(
        "a pointer of Git LFS", written("a.png", "version https://git-lfs.github.com/spec/v1\n")
    ),
    _given("half a TIFF", _half_a("a.tif"), file="a.tif"),
    _given("half a GIF", _half_a("a.gif"), file="a.gif"),
    _given("half a WebP", _half_a("a.webp"), file="a.webp"),
    _given("pixels above 1", _numbers("a.tif", 255.0), "a.tif", "0 to 1", file="a.tif"),
    _given("pixels below 0", _numbers("a.tif", -1.0), "a.tif", "0 to 1", file="a.tif"),
    _given("a name that becomes too long", picture(f"{'a' * 250}.png"), "too long", file="*.png"),
    _given("a folder below a file", picture("a.png"), "a.png", "folder", to="a.png/out", lines=1),
    _given(
        "an output file that is not ours",
        *(all_of(picture("a.png"), picture("b.png")), "b.png", "not an earlier output"),
        to="b.png",
        lines=1,
    ),
    _given(
        "the input as the output",
        *(picture("a.png"), "a.png", "not an earlier output"),
        to="a.png",
        lines=1,
    ),
    _given(
        "an output file of another format",
        *(picture("a.png"), "--format: found jpeg", "allowed: webp"),
        file="a.png --format jpeg",
        to="b.webp",
        lines=1,
    ),
    _given(
        "the folder of the inputs as that of the outputs",
        *(picture("in/a.png"), "in", "also the output folder"),
        file="in",
        to="in",
        lines=1,
    ),
    _given("half a JPEG", _half_a("a.jpg"), file="a.jpg"),
    _given("a PNG whose checksum is wrong", _wrong_checksum("a.png")),
    _given("a PostScript file", written("a.eps", EPS), file="a.eps"),
    _given("a link to itself", linked("a.png", "a.png"), "a.png"),
    _given("a pipe without a writer", _fifo("a.png"), "a.png", shell=True),
    _given("an endless device", nothing, "/dev/zero", file="/dev/zero", shell=True),
    _given(
        "one pixel too wide",
        *(picture("a.png", (29, 28)), "a.png", "29×28", "28×28"),
        variant="vae",
    ),
    _given(
        "100 megapixels in few bytes",
        written("a.png", bomb(14_000, 7_200)),
        "a.png",
        "pixels",
        shell=True,
        variant="vae",
    ),
    _given("two gigapixels", written("a.png", bomb(50_000, 40_000)), "a.png", "pixels", shell=True),
    _given(
        "NaN pixels",
        _numbers("a.tif", float("nan")),
        "a.tif",
        file="a.tif",
    ),
    _given("a name of 300 letters", nothing, "a" * 300, file="a" * 300 + ".png"),
    _given("a name of two lines", nothing, "b.png", file="'a\nb.png'"),
    _given(
        "one bad file among good ones",
        all_of(picture("a.png"), written("b.png", "x"), picture("c.png")),
        *("b.png", NO_IMAGE),
        file="a.png b.png c.png",
        changes=("out/a-conv.png", "out/c-conv.png"),
    ),
    _given(
        "two bad files among good ones",
        all_of(picture("a.png"), written("b.png", "x"), picture("c.png", (9, 9))),
        *("b.png", "c.png", "9×9"),
        file="a.png b.png c.png",
        changes=("out/a-vae.png",),
        lines=3,
        variant="vae",
    ),
    _given("a HEIC without its plug-in", written("a.heic", HEIC), file="a.heic"),
    _given(
        "a folder with only this program's outputs",
        picture("made/a.png", exif=_made()),
        *("outputs of this program: 1", "a.png", "list these files"),
        file="made",
        lines=1,
    ),
    *(
        _given(
            f"an output {to}", picture("a.png"), f"found {to}", "a folder", ".png", to=to, lines=1
        )
        for to in ("res.jxl", "res.pgn", "res.heic", "a.txt")
    ),
    _given(
        "one output file for two images",
        *(all_of(picture("a.png"), picture("b.png")), "both.png", "2 images", "a folder"),
        file="a.png b.png",
        to="both.png",
        lines=1,
    ),
    _given(
        "a line that is too long for a JPEG",
        *(picture("a.png", (65_501, 1)), "a.png", "65501×1", "65500", "png or tiff"),
        file="a.png --format jpg",
    ),
    _given(
        "a file where the folder to write goes",
        *(all_of(picture("a.png"), written("out", "mine")), "out", "folder"),
        lines=1,
    ),
)

IN_FOLDERS = (
    _kept("half a JPEG", _half_a("pets/cat/a.jpg"), "a.jpg", NO_IMAGE),
    _kept("an empty file", written("pets/dog/a.bmp", b""), "a.bmp", NO_IMAGE, misfits="resize"),
    _kept("two gigapixels", written("pets/cat/a.png", bomb(50_000, 40_000)), "a.png"),
    _kept("NaN pixels", _numbers("pets/cat/a.tif", float("nan")), "a.tif"),
)

CASES = (*GIVEN, *IN_FOLDERS)
