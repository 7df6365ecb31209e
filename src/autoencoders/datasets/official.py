"""Downloading the official files, from the first mirror that has them, and checking them.

torchvision knows the mirrors, the files and their MD5s. Its own download waits without limit, and
goes on to the next mirror after a wrong MD5, which is an error here.
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
ANSWER_SECONDS = 10.0  # for all of a mirror's addresses and the look-up of its name
STALL_SECONDS = 30.0  # without one byte during a download

# Not every OSError: a full disk raises one too, and is not a reason to try another mirror.
NETWORK_ERRORS = (URLError, TimeoutError, ConnectionError, ssl.SSLError, HTTPException)

Resources = Sequence[tuple[str, str]]  # names of files, and their MD5s


class Unreachable(Exception):  # noqa: N818 - not an error: the pipeline may go on without
    """No mirror could be reached; the message says what each of them answered."""


def download(dataset: str, target: Path, mirror: str | None) -> str:
    """Put a dataset's official files into a folder, all of them from one mirror.

    Args:
        dataset: a name in `DATASETS`.
        target: the folder; on failure nothing is left in it.
        mirror: a folder, or a `file:`, `http:` or `https:` URL, that holds the
            dataset's own folder, such as `mnist/`; tried before torchvision's mirrors.

    Returns:
        The URL that served the files.

    Raises:
        Unreachable: no mirror answers within seconds, or none has the files.
        UserError: a file's MD5 is wrong, or `mirror` is a folder that does not exist.
    """
    mirrors, resources = published_files(dataset)
    problems = []
    for place in [*_own(mirror, DATASETS[dataset].folder), *mirrors]:
        try:
            _download_all(place, resources, target)
        except (*NETWORK_ERRORS, ValueError) as error:  # ValueError: no such URL
            problems.append(f"{place}: {error}")
        else:
            for problem in problems:
                warn(f"passed over the mirror {problem}")
            return place
    raise Unreachable("; ".join(problems))


def published_files(dataset: str) -> tuple[Sequence[str], Resources]:
    """Return the URLs, ending in a slash, that hold a dataset's files, and the files."""
    if dataset == "cifar10":
        cifar = datasets.CIFAR10
        return [cifar.url.removesuffix(cifar.filename)], [(cifar.filename, cifar.tgz_md5)]
    mnist = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[dataset]
    return mnist.mirrors, mnist.resources


def _own(mirror: str | None, folder: str) -> list[str]:
    """Return the URL of the dataset's folder on the user's own mirror, if there is one."""
    if not mirror:
        return []
    if mirror.startswith(("http:", "https:")):
        return [f"{mirror.rstrip('/')}/{folder}/"]
    local = url2pathname(urlsplit(mirror).path) if mirror.startswith("file:") else mirror
    path = paths.resolve_user_path(local)
    if not os.path.isdir(path):  # noqa: PTH112 - Path's raises on some names
        raise UserError(
            f"the mirror {mirror!r} is not a folder (looked for {path}): set DATASET_MIRROR to a "
            f"folder or an http(s) URL that holds {folder}/, or unset it"
        )
    return [f"{(path / folder).as_uri()}/"]


def _download_all(place: str, resources: Resources, target: Path) -> None:
    """Download the files, check them, and only then move them into the target folder."""
    _require_answer(place + resources[0][0])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download.", dir=target) as scratch:
        for name, md5 in resources:
            path = Path(scratch, name)
            _download(place + name, path)
            found = files.digest(path, "md5")
            if found != md5:
                raise UserError(
                    f"{name} from {place} is truncated or altered: expected MD5 {md5}, found "
                    f"{found}; try again, or set DATASET_MIRROR to another mirror"
                )
        for name, _ in resources:
            Path(scratch, name).replace(target / name)


def _require_answer(url: str) -> None:
    """Return as soon as a URL answers, or raise why it does not.

    In a thread, because looking up a name has no timeout; through urllib, which knows of proxies.
    """
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            _open(url, CONNECT_SECONDS).close()
            answer.set_result(None)
        except Exception as error:  # raised in the thread that waits
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    if not wait([answer], ANSWER_SECONDS).done:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s")
    answer.result()


def _download(url: str, path: Path) -> None:
    with _open(url, STALL_SECONDS) as response, path.open("wb") as file:
        total = getattr(response, "length", None)
        with tqdm.wrapattr(  # a bar, on a terminal alone
            response, "read", total=total, desc=path.name, disable=None
        ) as counted:
            shutil.copyfileobj(counted, file)


def _open(url: str, seconds: float) -> HTTPResponse:
    """Ask for a URL; give up once the server says nothing for so many seconds, then or later."""
    request = Request(url, headers={"User-Agent": "pytorch/vision"})
    response: HTTPResponse = urlopen(request, timeout=seconds)
    return response
