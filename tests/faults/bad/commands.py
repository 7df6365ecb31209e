"""Wrong arguments, inputs and outputs of the commands on trained variants."""

from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.faults.bad.pictures import picture
from tests.faults.case import Case, Change
from tests.faults.changes import all_of, folder_instead, linked, nothing, read_only, written
from tests.saved import ROOT

DISK = "no space|too large|full|disk"
ODD = "a b'c\"d \u9d09\u00e9"  # spaces, quotes, letters of other scripts
TABLE = "encode mnist/conv a.png --to z.csv"
IMAGE = "apply mnist/conv a.png --to out"

_case = partial(Case, "commands", needs="trained")
A = picture("a.png")
EXAMPLES = linked("examples", str(ROOT / "examples"))
SEVERAL = all_of(A, picture("b.png"), picture("c.png"))


def _typed(command: str, *says: str, bad: Change = nothing, **more: Any) -> Case:
    return _case(f"autoencoders {command}", command, bad, says, **more)


def _in_shell(name: str, command: str, bad: Change, *says: str, **more: Any) -> Case:
    return _case(name, command, bad, says, shell=True, **more)


def _done(name: str, bad: Change, command: str = IMAGE, *says: str, lines: int = 0) -> Case:
    """Return a case of an unusual but correct input, with the number of warnings."""
    return _case(name, command, bad, says, goes_on=True, lines=lines)


def _deep(path: str, *shape: int) -> Change:
    """Write a TIFF file, or a grey PNG, of 16-bit numbers."""

    def change(world: Path) -> None:
        values = np.random.default_rng(0).integers(0, 2**16, shape, np.uint16)
        if path.endswith(".tif"):
            tifffile.imwrite(world / path, values, photometric="rgb")
        else:
            Image.fromarray(values).save(world / path)

    return change


def _frames(path: str) -> Change:
    """Write an image of two frames."""

    def change(world: Path) -> None:
        one, two = Image.new("L", (28, 28), 0), Image.new("L", (28, 28), 255)
        one.save(world / path, save_all=True, append_images=[two])

    return change


def _fractions(world: Path) -> None:
    """Write a TIFF file of floating-point numbers in [0, 1]."""
    Image.fromarray(np.linspace(0, 1, 784, dtype=np.float32).reshape(28, 28)).save(world / "a.tif")


MISTYPED = (
    _typed("encode mnist/conv --to z.csv", "IN"),
    _typed("sample mnist/conv", "--to"),
    _typed("serve", "NETWORK", "--model"),
    _typed("encode mnist/vae a.png --to z.csv", "mnist/vae", "not trained", "mnist/conv", bad=A),
    _typed("sample mnist/vae --to out", "mnist/vae", "not trained", "mnist/conv"),
    _typed("serve mnist/vae --port 0", "mnist/vae", "not trained", "mnist/conv"),
    _typed("apply mnist/classifier a.png --to out", "not an autoencoder", "mnist/conv", bad=A),
    _typed("sample mnist/classifier --to out", "not an autoencoder", "mnist/conv"),
    _typed("sample mnist/conv --to out", "no prior", "gaussian"),
    _typed("sample mnist/conv --to out --sampler gausian", "'gausian'", "did you mean 'gaussian'"),
    _typed("sample mnist/conv --to out --count 0", "'0'", "1, 2"),
    _typed("sample mnist/conv --to out --seed -1", "'-1'", "0, 1"),
    _typed("serve mnist/conv --port 99999", "'99999'", "65535"),
    _typed("serve mnist/conv --host 192.0.2.1 --port 0", "192.0.2.1", "address of this machine"),
    _typed("serve mnist/conv --host 2001:db8::1 --port 0", "2001:db8::1", "address of this"),
    _typed("serve mnist/conv --host 127.0.0.1:80 --port 0", "127.0.0.1:80", "address of this"),
    _typed("encode mnist/conv a.png --to z.json", "z.json", ".parquet", ".csv", bad=A),
    _typed("encode mnist/conv a.png --to z.csv.gz", "z.csv.gz", ".parquet", ".csv", bad=A),
    _typed("encode mnist/conv a.png --to ''", "--to", "''", "a path", bad=A),
    _typed("sample mnist/conv --to out --count 1.5", "'1.5'", "1, 2"),
    _typed("serve mnist/conv --port http", "'http'", "65535"),
    _typed("serve mnist/conv --host http://127.0.0.1 --port 0", "127.0.0.1", "address of this"),
    _typed("apply mnist/conv a.png --to out --colour lumaa", "'lumaa'", "luma", bad=A),
    _typed("apply mnist/conv a.png --to out --precision half", "'half'", "float32", bad=A),
    _typed("apply models/mnist/conv a.png --to out", "models/mnist/conv", "did you mean", bad=A),
    _typed("apply conv a.png --to out", "'conv'", "<dataset>/<variant>", "mnist/conv", bad=A),
    _case(
        "serve: a port that another program uses",
        "autoencoders serve mnist/conv --port ${SERVER##*:}",
        *(nothing, ("--port", "another program", "0")),
        variables={"SERVER": "{server}"},
        shell=True,
    ),
    _typed("add conv_tutorail", "did you mean 'conv_tutorial'", bad=EXAMPLES),
    _typed("add conv vae_tutorial", "already", "'conv'", "rename", bad=EXAMPLES),
)

UNREAD = (
    _case("encode: no such file", TABLE, nothing, ("a.png", "no such file"), lines=2),
    _case("encode: a folder without images", TABLE, folder_instead("a.png"), ("no image",)),
    _case(
        "encode: another size",
        *(TABLE, picture("a.png", (29, 28)), ("a.png", "29×28", "28×28", "--resize")),
        lines=2,
    ),
    _case(
        "apply: no file of a pattern",
        *("apply mnist/conv 'no*.png' a.png --to out", A, ("no*.png", "no file")),
        changes=("out/a-conv.png",),
    ),
    _case(
        "apply: an animated GIF",
        "apply mnist/conv a.gif --to out",
        *(_frames("a.gif"), ("a.gif", "several frames", "save")),
        lines=2,
    ),
    _case(
        "encode: an animated GIF",
        "encode mnist/conv a.gif --to z.csv",
        *(_frames("a.gif"), ("a.gif", "several frames", "save")),
        lines=2,
    ),
    _case(
        "apply: transparent parts into JPEG",
        f"{IMAGE} --format jpeg",
        *(picture("a.png", mode="LA"), ("a.png", "transparent", "png")),
        lines=2,
    ),
)

UNWRITTEN = (
    _case(
        "encode: a file that is no table of ours",
        TABLE,
        all_of(A, written("z.csv", "x")),
        ("z.csv", "new"),
    ),
    _case(
        "encode: a folder with the name of the table",
        *(TABLE, all_of(A, folder_instead("z.csv")), ("z.csv", "new file")),
    ),
    _case(
        "sample: a file where the folder goes",
        *("sample mnist/conv --to out", written("out", "mine"), ("out", "folder")),
    ),
    _in_shell(
        "encode: a read-only folder",
        *("autoencoders encode mnist/conv a.png --to out/z.csv", all_of(A, read_only("out"))),
        *("out", "permission|read-only|write"),
    ),
    _in_shell(
        "sample: a read-only folder",
        *("autoencoders sample mnist/conv --to out", read_only("out")),
        *("out", "permission|read-only|write"),
    ),
    _in_shell(
        "apply: a full disk",
        "ulimit -f 0; autoencoders apply mnist/conv a.png b.png c.png --to out",
        *(SEVERAL, "a-conv.png", DISK, "2 of them not tried"),
        lines=2,
    ),
    _in_shell(
        "apply: a full disk, colours of 16 bits",
        "ulimit -f 0; autoencoders apply mnist/conv a.tif b.png --to out",
        *(all_of(_deep("a.tif", 28, 28, 3), picture("b.png")), "a-conv.tif", DISK),
        *("1 of them not tried",),
        lines=2,
    ),
    _in_shell(
        "encode: a full disk",
        *(f"ulimit -f 0; autoencoders {TABLE}", A, "z.csv", DISK),
    ),
    _in_shell(
        "sample: a full disk",
        "ulimit -f 0; autoencoders sample mnist/conv --sampler gaussian --count 3 --to out",
        *(nothing, "out", DISK),
    ),
)

DONE = (
    _done("apply: one pixel", picture("a.png", (1, 1))),
    _done("apply: one pixel in 5,000 rows", picture("a.png", (1, 5000))),
    _done("apply: CMYK", picture("a.jpg", mode="CMYK"), "apply mnist/conv a.jpg --to out"),
    _done("apply: a palette with a clear colour", picture("a.png", mode="P", transparency=7)),
    _done(
        "apply: names with spaces, quotes, other letters",
        *(picture(f"{ODD}/{ODD}.png"), f"apply mnist/conv {quote(ODD)} --to {quote(f'to {ODD}')}"),
    ),
    _done("apply: greys of 16 bits", _deep("a.png", 28, 28)),
    _done(
        "apply: colours of 16 bits", _deep("a.tif", 28, 28, 3), "apply mnist/conv a.tif --to out"
    ),
    _done(
        "encode: colours of 16 bits",
        *(_deep("a.tif", 30, 40, 3), "encode mnist/conv a.tif --to z.csv --resize"),
    ),
    _done(
        "apply: 16 bits into WebP",
        *(_deep("a.png", 28, 28), f"{IMAGE} --format webp", "fewer bits", "16"),
        lines=1,
    ),
    _done("apply: fractions", _fractions, "apply mnist/conv a.tif --to out"),
)

CASES = (*MISTYPED, *UNREAD, *UNWRITTEN, *DONE)
