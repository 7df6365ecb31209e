"""A small imitation of the official files, and ways to serve them badly."""

import functools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoencoders import files
from autoencoders.sources import cifar, fetched, official
from autoencoders.sources.datasets import CIFAR10, DATASETS, FASHION_MNIST, MNIST
from autoencoders.sources.idx import write_idx
from tests.sources.archives import pickled, write_cifar

Publish = Callable[..., None]


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Publish:
    """`publish(name, mirrors=…, resources=…)`: publish a dataset elsewhere or otherwise."""

    def change(name: str, **changes: Any) -> None:
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], **changes))

    return change


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, publish: Publish) -> None:
    """No test leaves this machine: the official mirrors refuse, and proxies are ignored."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib.request._opener", None)  # it remembers the proxies it began with
    nobody = f"http://127.0.0.1:{_free_port()}/"
    for name in DATASETS:
        publish(name, mirrors=(nobody,))
    monkeypatch.setattr(official, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(official, "ANSWER_SECONDS", 1.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def mirror(tmp_path: Path, publish: Publish) -> Path:
    """A mirror's folder with 40 training and 20 test images per dataset, published as official."""
    root = tmp_path / "mirror"
    rng = np.random.default_rng(0)
    for dataset in (MNIST, FASHION_MNIST):
        folder = root / dataset.folder
        folder.mkdir(parents=True)
        for part, n in (("train", 40), ("t10k", 20)):
            images = rng.integers(0, 256, (n, 28, 28), np.uint8)
            write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
            write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(n, dtype=np.uint8) % 10)
        publish(dataset.name, resources=_resources(folder, *fetched.IDX_FILES))
    (root / CIFAR10.folder).mkdir()
    archive = root / CIFAR10.folder / cifar.ARCHIVE
    images = rng.integers(0, 256, (60, 3072), np.uint8)
    batches = zip((*cifar.TRAIN, *cifar.TEST), images.reshape(6, 10, 3072), strict=True)
    write_cifar(archive, {name: pickled(part, list(range(10))) for name, part in batches})
    publish(CIFAR10.name, resources=_resources(archive.parent, archive.name))
    return root


def _resources(folder: Path, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, files.digest(folder / name, "md5")) for name in names)


@pytest.fixture
def served(mirror: Path) -> Iterator[str]:
    """The same mirror over HTTP: its URL."""
    with _serve(mirror, _Quiet) as url:
        yield url


@pytest.fixture
def breaking(mirror: Path) -> Iterator[str]:
    """The same mirror over HTTP, whose connections end early: its URL."""
    with _serve(mirror, _Breaking) as url:
        yield url


@pytest.fixture
def stalling(mirror: Path) -> Iterator[str]:
    """The same mirror over HTTP, which falls silent after a few bytes of a file: its URL."""
    with _serve(mirror, _Stalling) as url:
        yield url


@contextmanager
def _serve(folder: Path, how: type[SimpleHTTPRequestHandler]) -> Iterator[str]:
    handler: Any = functools.partial(how, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Breaking(_Quiet):
    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read()[:-5])


class _Stalling(_Quiet):
    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read(5))
        time.sleep(2)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def official_mirror() -> str:
    """Where the official files themselves are."""
    mirror = os.environ.get("DATASET_MIRROR")
    if not mirror:
        pytest.skip("set DATASET_MIRROR to test the official files")
    return mirror
