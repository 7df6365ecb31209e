"""Downloads of the official files, with checksums, from the first mirror that has them.

torchvision lists the mirrors, the files and their MD5s. Its own download has no time limit, and it
tries the next mirror after a wrong MD5, which is an error here.
"""

import os
import shutil
import ssl
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

from torchvision import datasets
from tqdm import tqdm

from autoencoders import files, paths
from autoencoders.datasets.catalogue import DATASETS
from autoencoders.errors import UserError, warn

CONNECT_SECONDS = 5.0  # for each address of a mirror
ANSWER_SECONDS = 10.0  # for the look-up of a mirror's name and for all its addresses
STALL_SECONDS = 30.0  # without a byte during a download

# Not all OSErrors: a full disk raises one too, and another mirror would not help.
NETWORK_ERRORS = (URLError, TimeoutError, ConnectionError, ssl.SSLError, HTTPException)

Resources = Sequence[tuple[str, str]]  # the names and MD5s of files


class Unreachable(Exception):  # noqa: N818 - not always an error: stand-ins may follow
    """No mirror can be reached; the message gives the reason for each mirror."""


def download(dataset: str, target: Path, mirror: str | None) -> str:
    """Download a dataset's official files into a folder, all from one mirror.

    Args:
        dataset: a name in `DATASETS`.
        target: the folder; no file remains in it after an error.
        mirror: a folder or a `file:`, `http:` or `https:` URL that contains the dataset's folder,
            such as `mnist/`; it is tried before torchvision's mirrors.

    Returns:
        The URL that the files come from.

    Raises:
        Unreachable: no mirror answers in time, or no mirror has the files.
        UserError: a file's MD5 is wrong, or `mirror` is a folder that does not exist.
    """
    mirrors, resources = published_files(dataset)
    problems = []
    for url in [*_user_mirror(mirror, DATASETS[dataset].folder), *mirrors]:
        try:
            _download_all(url, resources, target)
        except (*NETWORK_ERRORS, ValueError) as error:  # ValueError: an invalid URL
            problems.append(f"{url}: {error}")
        else:
            for problem in problems:
                warn(f"skipped the mirror {problem}")
            return url
    raise Unreachable("; ".join(problems))


def published_files(dataset: str) -> tuple[Sequence[str], Resources]:
    """Return the mirrors of a dataset, as URLs that end in a slash, and its files."""
    if dataset == "cifar10":
        cifar = datasets.CIFAR10
        return [cifar.url.removesuffix(cifar.filename)], [(cifar.filename, cifar.tgz_md5)]
    mnist = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[dataset]
    return mnist.mirrors, mnist.resources


def _user_mirror(mirror: str | None, folder: str) -> list[str]:
    """Return the URL of the dataset's folder on the user's mirror; empty without a mirror."""
    if not mirror:
        return []
    if mirror.startswith(("http:", "https:")):
        return [f"{mirror.rstrip('/')}/{folder}/"]
    local = url2pathname(urlsplit(mirror).path) if mirror.startswith("file:") else mirror
    path = paths.resolve_user_path(local)
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises on some
        raise UserError(
            f"DATASET_MIRROR: found {mirror!r}, which is not a folder (looked for {path}); "
            f"allowed: a folder or an http(s) URL that contains {folder}/; correct it or unset it"
        )
    return [f"{(path / folder).as_uri()}/"]


def _download_all(mirror: str, resources: Resources, target: Path) -> None:
    """Download and check all files before any of them is moved into the target folder."""
    _require_answer(mirror + resources[0][0])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download.", dir=target) as scratch:
        for name, md5 in resources:
            path = Path(scratch, name)
            _download(mirror + name, path)
            found = files.digest(path, "md5")
            if found != md5:
                raise UserError(
                    f"{name} from {mirror} is truncated or altered: expected MD5 {md5}, found "
                    f"{found}; try again, or set DATASET_MIRROR to another mirror"
                )
        for name, _ in resources:
            Path(scratch, name).replace(target / name)


def _require_answer(url: str) -> None:
    """Raise an error if a URL has no valid answer in time.

    The request runs in a thread, because the look-up of a host name has no timeout. It uses
    urllib, which supports proxies.
    """
    answer: Future[None] = Future()

    def request() -> None:
        try:
            _open(url, CONNECT_SECONDS).close()
            answer.set_result(None)
        except Exception as error:  # raised again by answer.result()
            answer.set_exception(error)

    threading.Thread(target=request, daemon=True).start()
    if not wait([answer], ANSWER_SECONDS).done:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s")
    answer.result()


def _download(url: str, path: Path) -> None:
    with _open(url, STALL_SECONDS) as response, path.open("wb") as file:
        total = getattr(response, "length", None)
        with tqdm.wrapattr(  # a progress bar, only on a terminal
            response, "read", total=total, desc=path.name, disable=None
        ) as counted:
            shutil.copyfileobj(counted, file)


def _open(url: str, seconds: float) -> HTTPResponse:
    """Open a URL; raise an error if no byte arrives for `seconds`, now or while reading."""
    request = Request(url, headers={"User-Agent": "pytorch/vision"})
    response: HTTPResponse = urlopen(request, timeout=seconds)
    return response
