"""Downloading the official files, from the first mirror that has them, and checking them."""

import os
import queue
import shutil
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

from tqdm import tqdm

from autoencoders import files
from autoencoders.errors import UserError, warn
from autoencoders.sources.datasets import DATASETS, Dataset
from autoencoders.sources.listing import shown

CONNECT_SECONDS = 5.0  # for each address of a mirror
ANSWER_SECONDS = 10.0  # for all of a mirror's addresses and the look-up of its name
STALL_SECONDS = 30.0  # without one byte during a download

# Not every OSError: a full disk raises one too, and is not a reason to try another mirror.
NETWORK_ERRORS = (URLError, TimeoutError, ConnectionError, ssl.SSLError, HTTPException)


class Unreachable(Exception):  # noqa: N818 - not an error: the pipeline may go on without
    """No mirror could be reached; the message says what each of them answered."""


def download(dataset: str, target: Path, mirror: str | None) -> str:
    """Put a dataset's official files into a folder, all of them from one mirror.

    Args:
        dataset: a name in `DATASETS`.
        target: the folder; on failure nothing is left in it.
        mirror: a folder, or a `file:`, `http:` or `https:` URL, that holds the
            dataset's own folder, such as `mnist/`; tried before those in `DATASETS`.

    Returns:
        The mirror that served the files.

    Raises:
        Unreachable: no mirror answers within seconds, or none has the files.
        UserError: a file's MD5 is wrong, or `mirror` is a folder that does not exist.
    """
    known = DATASETS[dataset]
    problems = []
    for place in _mirrors(known, mirror):
        try:
            _take_all(place, known.resources, target)
        except (*NETWORK_ERRORS, ValueError, Unreachable) as error:  # ValueError: no such URL
            problems.append(f"{place}: {error}")
        else:
            for problem in problems:
                warn(f"passed over the mirror {problem}")
            return str(place)
    raise Unreachable("; ".join(problems))


def _mirrors(known: Dataset, mirror: str | None) -> Iterator[str | Path]:
    """Yield the URLs, ending in a slash, and folders that hold the dataset's files."""
    try:
        scheme = urlsplit(mirror or "").scheme
    except ValueError as error:
        raise UserError(f"the mirror {mirror!r} is no URL ({error}): {_advice(known)}") from None
    if mirror and scheme in ("http", "https"):
        yield f"{mirror.rstrip('/')}/{known.folder}/"
    elif mirror:
        yield _existing_folder(mirror, known) / known.folder
    yield from known.mirrors


def _advice(known: Dataset) -> str:
    return (
        f"set DATASET_MIRROR to a folder or an http(s) URL that holds {known.folder}/, or unset it"
    )


def _existing_folder(mirror: str, known: Dataset) -> Path:
    parts = urlsplit(mirror)
    path = Path(url2pathname(parts.path) if parts.scheme == "file" else mirror)
    path = Path(os.path.expanduser(path))  # noqa: PTH111 - Path's raises on an unknown user's
    if not os.path.isdir(path):  # noqa: PTH112 - Path's raises on some names
        raise UserError(
            f"the mirror {mirror!r} is not a folder (looked for {path.absolute()}): "
            f"{_advice(known)}"
        )
    return path


def _take_all(place: str | Path, resources: tuple[tuple[str, str], ...], target: Path) -> None:
    """Copy or download the files, check them, and only then move them into the target folder."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download.", dir=target) as scratch:
        if isinstance(place, str):
            _answers(place + resources[0][0])
        for name, md5 in resources:
            path = Path(scratch, name)
            if isinstance(place, str):
                _download(place + name, path)
            else:
                path.write_bytes(_content(place / name))
            _check(path, md5, place, resources)
        for name, _ in resources:
            Path(scratch, name).replace(target / name)


def _content(path: Path) -> bytes:
    """Return a mirror's file, or raise `Unreachable` with what stands in its place."""
    try:
        return path.read_bytes()
    except OSError as error:
        problem = error.strerror or str(error)
    above = next(p for p in path.parents if os.path.isdir(p))  # noqa: PTH112 - as above
    try:
        there = shown(sorted(os.listdir(above))) or "nothing"  # noqa: PTH208 - the names alone
    except OSError:
        there = "what cannot be listed"
    raise Unreachable(f"{path.name}: {problem}; {above} holds {there}")


def _check(path: Path, md5: str, place: str | Path, resources: tuple[tuple[str, str], ...]) -> None:
    found = files.digest(path, "md5")
    if found != md5:
        others = [name for name, other in resources if other == found]
        what = f"is {others[0]} under another name" if others else "is truncated or altered"
        raise UserError(
            f"{path.name} from {place} {what}: expected MD5 {md5}, found {found}; "
            "nothing was kept, so try again, or set DATASET_MIRROR to another mirror"
        )


def _answers(url: str) -> None:
    """Return as soon as a URL answers, or raise what kept it from doing so.

    In a thread, because looking up a name has no timeout of its own; through urllib, because it
    knows of proxies.
    """
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            with _open(url, CONNECT_SECONDS):
                outcome.put(None)
        except Exception as error:  # handed to the thread that waits
            outcome.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = outcome.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s") from None
    if error is not None:
        raise error


def _download(url: str, path: Path) -> None:
    with (
        _open(url, STALL_SECONDS) as response,
        tqdm.wrapattr(  # a bar, on a terminal alone
            response, "read", total=response.length, desc=path.name, disable=None
        ) as counted,
        path.open("wb") as file,
    ):
        shutil.copyfileobj(counted, file)


def _open(url: str, seconds: float) -> Any:
    """Ask for a URL; give up once the server says nothing for so many seconds, then or later."""
    return urlopen(Request(url, headers={"User-Agent": "pytorch/vision"}), timeout=seconds)
