"""Bad environments: mirrors, tracking servers, devices, disks, folders, streams, locales."""

from functools import partial
from typing import Any

from tests.faults.bad.folders import CLASSES, PETS
from tests.faults.bad.pictures import picture
from tests.faults.case import Case, Change
from tests.faults.changes import all_of, folder_instead, nothing, put, read_only, written

MIRROR = "DATASET_MIRROR"
URI = "MLFLOW_TRACKING_URI"
DEVICE = "AUTOENCODERS_DEVICE"
FIRST = "train-images-idx3-ubyte.gz"

_case = partial(Case, "environment")


def _mirror(name: str, value: str, bad: Change, *says: str, hides: str = "Traceback") -> Case:
    """Return a case of a mirror that does not have the official files."""
    bad = all_of(put("data.source", "official"), bad)
    variables = {MIRROR: value}
    return _case(f"a mirror: {name}", "fetch mnist", bad, says, hides=hides, variables=variables)


MIRRORS = (
    _mirror("no such folder", "{world}/mirror", nothing, MIRROR, "mirror"),
    _mirror("a file", "{world}/mirror", written("mirror", "x"), MIRROR, "not a folder"),
    _mirror("a folder without mnist/", "{world}", nothing, MIRROR, "mnist/"),
    _mirror("a folder for a file of it", "{world}/m", folder_instead(f"m/mnist/{FIRST}"), FIRST),
    _mirror("the URL of a missing file", "file:///nowhere/at/all", nothing, MIRROR, "nowhere"),
    _mirror("no server", "http://127.0.0.1:9/data", nothing, MIRROR, "127.0.0.1:9"),
    _mirror("not found", "{server}/404", nothing, MIRROR, "404"),
    _mirror("a web page for every file", "{server}/page", nothing, FIRST, "MD5"),
    _mirror("a connection that breaks", "{server}/cut", nothing, FIRST),
    _mirror("never answers", "{server}/silent", nothing, MIRROR, "no answer|timed out"),
    _mirror("an FTP server", "ftp://127.0.0.1/data", nothing, MIRROR, "ftp"),
    _mirror("the home of an unknown user", "~nobody-here/data", nothing, MIRROR, "~nobody-here"),
    _mirror("no host in the URL", "http://", nothing, MIRROR, "http://"),
    _mirror("half an IPv6 address", "http://[::1/data", nothing, MIRROR, "[::1"),
    _mirror("a port in words", "http://127.0.0.1:http/data", nothing, MIRROR, ":http"),
    _mirror("a server that fails", "{server}/500", nothing, MIRROR, "500"),
    _mirror("a password", "http://me:secret@127.0.0.1:9/data", nothing, MIRROR, hides="secret"),
    _mirror(
        "files that a browser has unpacked",
        *("{world}/m", written(f"m/mnist/{FIRST}", b"\0\0\x08\x03"), FIRST, "MD5"),
    ),
)


def _untracked(name: str, value: str, *says: str, bad: Change = nothing) -> Case:
    """Return a case of a lost tracking server: the stage continues, with the same bits."""
    return _case(
        f"tracking: {name}",
        "train mnist conv",
        bad,
        ("MLflow", "autoencoders track", *says),
        needs="prepared",
        goes_on=True,
        ends_like="trained",
        changes=("t.db",),
        variables={URI: value},
    )


def _track(name: str, value: str, *says: str) -> Case:
    return _case(
        f"track: {name}",
        "track",
        nothing,
        (URI, *says),
        needs="whole",
        variables={URI: value},
        hides="secret",
    )


TRACKING = (
    _untracked("no server", "http://127.0.0.1:9"),
    _untracked("a web page", "{server}/page"),
    _untracked("an unknown scheme", "nonsense://somewhere"),
    _untracked(
        "a text file as the database", "sqlite:///{world}/t.db", bad=written("t.db", "text")
    ),
    _track("no server", "http://user:secret@127.0.0.1:9", "127.0.0.1:9"),
)


def _device(value: str) -> Case:
    return _case(
        f"a device: {value!r}",
        "train mnist conv",
        nothing,
        (DEVICE, repr(value), "cpu"),
        needs="prepared",
        variables={DEVICE: value},
    )


DEVICES = (_device("cuda:99"), _device("meta"), _device("gpu"), _device("CPU"))


def _in_shell(
    name: str, command: str, bad: Change, *says: str, needs: str = "prepared", **more: Any
) -> Case:
    return _case(name, command, bad, says, needs=needs, shell=True, **more)


DISK = "no space|too large|full|disk"

# MLflow's database does not fit on a full disk either; this is a warning.
PLACES = (
    _in_shell(
        "a full disk: fetch",
        "ulimit -f 8; autoencoders fetch mnist",
        nothing,
        *("data/raw/mnist", DISK),
        needs="bare",
        warnings=1,
    ),
    _in_shell(
        "a full disk: prepare",
        "ulimit -f 32; autoencoders prepare mnist",
        nothing,
        DISK,
        warnings=1,
    ),
    _in_shell(
        "a full disk of 16 kB: prepare",
        "unshare -rm sh -c "
        "'mount -t tmpfs -o size=16k disk data/prepared && autoencoders prepare mnist'",
        nothing,
        *("data/prepared/mnist", "no space"),
    ),
    _in_shell(
        "a full disk for temporary files",
        "mkdir full; unshare -rm sh -c "
        "'mount -t tmpfs -o size=16k disk full && TMPDIR=full autoencoders prepare mnist'",
        nothing,
        *("full", "no space"),
    ),
    _in_shell(
        "a full disk: train",
        "ulimit -f 8; autoencoders train mnist conv",
        nothing,
        *("checkpoints/mnist-conv", DISK),
        warnings=1,
    ),
    _in_shell(
        "a read-only folder: data/raw",
        "autoencoders fetch mnist",
        read_only("data/raw"),
        *("data/raw", "permission|read-only|write"),
        needs="bare",
    ),
    _in_shell(
        "a read-only folder: models",
        "autoencoders train mnist conv",
        read_only("models"),
        *("models", "permission|read-only|write"),
        changes=("checkpoints/*",),
    ),
    _in_shell(
        "a read-only folder for outputs",
        "autoencoders apply mnist/conv a.png --to out",
        all_of(picture("a.png"), read_only("out")),
        *("out", "permission|read-only|write"),
        needs="trained",
    ),
    _in_shell(
        "an unreadable params.yaml",
        "autoencoders check",
        lambda world: (world / "params.yaml").chmod(0),
        *("params.yaml", "permission|read"),
        needs="bare",
    ),
    _in_shell(
        "a deleted folder",
        "mkdir gone; cd gone; rmdir ../gone; autoencoders check",
        nothing,
        "folder",
        needs="bare",
    ),
)

TMPFS = "unshare -rm sh -c 'mount -t tmpfs -o {} disk out && autoencoders {}'"
IMAGES = all_of(*(picture(f"{name}.png") for name in "abc"), lambda world: (world / "out").mkdir())


def _mounted(name: str, options: str, command: str, *says: str, lines: int = 1) -> Case:
    """Return a case where the folder `out` is on another file system."""
    line = TMPFS.format(options, command)
    return _in_shell(name, line, IMAGES, "out", *says, needs="trained", lines=lines)


MOUNTED = (
    _mounted(
        "a file system without files left: apply",
        "nr_inodes=2",
        *("apply mnist/conv a.png b.png c.png --to out", "no space", "2 of them not tried"),
        lines=2,
    ),
    _mounted(
        "a read-only file system: encode",
        "ro",
        *("encode mnist/conv a.png --to out/z.csv", "read-only"),
    ),
    _mounted(
        "a file system of 4 kB: encode",
        *("size=4k", "encode mnist/conv a.png b.png c.png --to out/z.csv", "no space"),
    ),
    _mounted(
        "a file system of 4 kB: sample",
        *("size=4k", "sample mnist/conv --sampler gaussian --count 3 --to out", "no space"),
    ),
)

STREAMS = (
    _in_shell(
        "a full disk for standard output",
        "autoencoders check > /dev/full",
        nothing,
        DISK,
        needs="bare",
    ),
    _in_shell(
        "a closed standard output",
        "autoencoders check | true",
        nothing,
        needs="bare",
        lines=0,
    ),
    _in_shell(
        "an ASCII terminal and a name with other letters",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 autoencoders fetch pets",
        put("data.datasets", {"pets": PETS | {"folder": "caf\u00e9"}}),
        "data.datasets.pets.folder",
        needs="bare",
    ),
    _in_shell(
        "a number of processes in words",
        "WORLD_SIZE=two autoencoders train mnist conv",
        nothing,
        *("WORLD_SIZE", "'two'"),
    ),
    _in_shell(
        "no process",
        "WORLD_SIZE=0 RANK=0 autoencoders train mnist conv",
        nothing,
        *("WORLD_SIZE", "'0'"),
    ),
    _in_shell(
        "a closed standard input and output",
        "autoencoders check <&- >&-",
        nothing,
        needs="bare",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "an unknown locale and a dumb terminal of no width",
        "LC_ALL=xx_XX.nothing TERM=dumb COLUMNS=0 autoencoders check",
        nothing,
        needs="bare",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "two processes without torchrun",
        "WORLD_SIZE=2 RANK=0 autoencoders train mnist conv",
        nothing,
        "torchrun",
    ),
)

GOING_ON = (
    _in_shell(
        "two processes fetch one dataset",
        "autoencoders fetch mnist & autoencoders fetch mnist && wait $!",
        nothing,
        needs="bare",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "two processes write one table",
        "autoencoders encode mnist/conv a.png b.png --to z.csv & "
        "autoencoders encode mnist/conv a.png b.png --to z.csv && wait $! && wc -l z.csv | grep 3",
        IMAGES,
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "two processes apply a variant to the same images",
        "autoencoders apply mnist/conv a.png b.png --to out & "
        "autoencoders apply mnist/conv a.png b.png --to out && wait $! && ls out | wc -l | grep 2",
        IMAGES,
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "an ASCII locale and an image with a name of other bytes",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 autoencoders apply mnist/conv *.png --to to",
        picture("caf\udce9.png"),
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "a folder for temporary files that cannot be written",
        "TMPDIR=/proc autoencoders apply mnist/conv a.png --to out",
        IMAGES,
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "a umask that hides outputs from others: apply",
        'umask 077; autoencoders apply mnist/conv a.png --to to && test -z "$(find to -perm /077)"',
        IMAGES,
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "no git",
        'PATH=$(dirname "$(command -v autoencoders)"); autoencoders train mnist conv',
        nothing,
        goes_on=True,
        ends_like="trained",
        lines=0,
    ),
    _in_shell(
        "two processes prepare one dataset",
        "autoencoders prepare mnist & autoencoders prepare mnist && wait $!",
        nothing,
        goes_on=True,
        lines=0,
        ends_like="prepared",
    ),
    _in_shell(
        "what a killed process has left",
        "autoencoders prepare mnist",
        lambda world: (world / "data/prepared/.autoencoders-0123.part/mnist").mkdir(parents=True),
        goes_on=True,
        lines=0,
        ends_like="prepared",
    ),
    _in_shell(
        "a umask that hides outputs from others",
        'umask 077; autoencoders fetch pets && test -z "$(find data/raw/pets -perm /077)"',
        all_of(CLASSES, put("data.datasets", {"pets": PETS})),
        needs="bare",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "an ASCII locale and names with other letters and bytes",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 autoencoders fetch pets",
        all_of(
            put("data.datasets", {"pets": PETS | {"folder": "caf\u00e9"}}),
            *(picture(f"caf\u00e9/{name}.png") for name in ("a", "b", "\u00e9", "\udce9")),
        ),
        needs="bare",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "a read-only repository",
        'chmod -R a-w .; autoencoders apply mnist/conv a.png --to "$(mktemp -d)"',
        picture("a.png"),
        needs="trained",
        goes_on=True,
        lines=0,
    ),
    _in_shell(
        "no home",
        "env -u HOME autoencoders train mnist conv",
        nothing,
        goes_on=True,
        lines=0,
        ends_like="trained",
    ),
    _in_shell(
        "no folder for temporary files",
        "TMPDIR=/nowhere autoencoders train mnist conv",
        nothing,
        goes_on=True,
        lines=0,
        ends_like="trained",
    ),
    _in_shell(
        "inside a trained variant's folder",
        "cd models/mnist/conv; autoencoders check",
        nothing,
        needs="trained",
        goes_on=True,
        lines=0,
        ends_like="trained",
    ),
)

CASES = (*MIRRORS, *TRACKING, *DEVICES, *PLACES, *MOUNTED, *STREAMS, *GOING_ON)
