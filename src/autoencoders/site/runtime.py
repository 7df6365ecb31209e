"""The files of onnxruntime-web, which runs networks in the browser, and its licences."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

from autoencoders.errors import UserError
from autoencoders.files import shortened

PACKAGE = "onnxruntime-web@1.23.2"
DIST = "package/dist"  # the folder in the package
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")  # without GPU and WebGL
# The package for Python, of the same repository, has them as files.
LICENCES = ("LICENSE", "ThirdPartyNotices.txt")
SECONDS = 300  # limit of the download
ELSE = "or name a folder with its files: --runtime FOLDER"


@contextmanager
def runtime_files(folder: Path | None) -> Iterator[list[Path]]:
    """Yield the paths of the needed files: of `folder`, or downloaded by npm.

    Raises:
        UserError: a file is missing, or npm cannot download the package.
    """
    licences = [
        Path(str(distribution("onnxruntime").locate_file("onnxruntime"))) / name
        for name in LICENCES
    ]
    if folder is not None:
        found = [path for name in FILES if (path := folder / name).is_file()]
        if len(found) < len(FILES):
            raise UserError(
                f"--runtime: found {folder}; allowed: a folder with {' and '.join(FILES)}, such as "
                f"dist in the npm package {PACKAGE}"
            )
        yield found + licences
        return
    with tempfile.TemporaryDirectory() as temporary:
        _download(Path(temporary))
        yield [Path(temporary, DIST, name) for name in FILES] + licences


def _download(folder: Path) -> None:
    """Download the package into a folder and unpack the needed files below it."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"the page needs npm, which downloads {PACKAGE}: install Node.js, {ELSE}")
    command = [npm, "pack", PACKAGE, "--prefer-offline", "--loglevel=error"]
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=SECONDS
        )
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as tar:
            for name in FILES:
                tar.extract(f"{DIST}/{name}", folder, filter="data")
    except subprocess.TimeoutExpired:
        raise UserError(
            f"npm cannot download {PACKAGE} within {SECONDS} s: try again, {ELSE}"
        ) from None
    except subprocess.CalledProcessError as error:
        why = shortened(error.stderr)
        raise UserError(f"npm cannot download {PACKAGE} ({why}): try again, {ELSE}") from None
